import assert from "node:assert/strict";
import { test } from "node:test";
import { getHeapStatistics } from "node:v8";
import fc from "fast-check";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { toChunks } from "../../../src/kafka/fetch/chunks.ts";
import { visibleBatches } from "../../../src/kafka/fetch/visible-batches.ts";
import type { WireRequest } from "../../../src/kafka/network/connection.ts";
import { apiVersionsRequest } from "../../../src/kafka/protocol/api-versions.ts";
import { heartbeatRequest } from "../../../src/kafka/protocol/consumer-group-heartbeat.ts";
import { fetchRequest } from "../../../src/kafka/protocol/fetch.ts";
import { findCoordinatorRequest } from "../../../src/kafka/protocol/find-coordinator.ts";
import { EARLIEST, listOffsetsRequest } from "../../../src/kafka/protocol/list-offsets.ts";
import { metadataRequest } from "../../../src/kafka/protocol/metadata.ts";
import { offsetFetchRequest } from "../../../src/kafka/protocol/offset-fetch.ts";
import { produceRequest } from "../../../src/kafka/protocol/produce.ts";
import { saslAuthenticateRequest, saslHandshakeRequest } from "../../../src/kafka/protocol/sasl.ts";
import {
  endTxnRequest,
  initProducerIdRequest,
  txnOffsetCommitRequest,
} from "../../../src/kafka/protocol/transactions.ts";
import { WireReader } from "../../../src/kafka/protocol/wire.ts";
import { crc32c } from "../../../src/kafka/records/crc32c.ts";
import { JAVA_BATCHES, JAVA_MESSAGES } from "./java-bytes.ts";

const AT = { topic: "flights", partition: 3 };
const NONE = Buffer.alloc(0);
const BOUNDS = { waitMaxMs: 1, bytesMin: 1, bytesMax: 1, partitionBytesMax: 1 };
const MEMBER = { memberId: "m", memberEpoch: 1 };
const NOTHING = { topics: null, pattern: null, owned: null, assignor: null, rebalanceTimeoutMs: 1 };
const HEARTBEAT = { ...MEMBER, groupId: "g", ...NOTHING };
const PRODUCER = { id: 1n, epoch: 1 };

function markerOfMany(): Buffer {
  const marker = Buffer.from(JAVA_BATCHES.abort);
  marker[22] = (marker[22] ?? 0) | 1;
  marker.writeInt32BE(2 ** 31 - 1, 57);
  marker.writeUInt32BE(crc32c(marker.subarray(21)), 17);
  return marker;
}

/** Every decoder of an answer, with an answer of Java's where there is one to start from. */
const DECODERS: readonly (readonly [string, WireRequest<unknown>, Buffer])[] = [
  ["ApiVersions", apiVersionsRequest("1"), JAVA_MESSAGES.apiVersionsResponse3],
  ["Metadata", metadataRequest(12, ["t"]), JAVA_MESSAGES.metadataResponse12],
  ["Fetch", fetchRequest(16, [], BOUNDS), JAVA_MESSAGES.fetchResponse16],
  [
    "FindCoordinator",
    findCoordinatorRequest(4, "group", "g"),
    JAVA_MESSAGES.findCoordinatorResponse4,
  ],
  ["ListOffsets", listOffsetsRequest(7, AT, 1, EARLIEST), JAVA_MESSAGES.listOffsetsResponse7],
  ["OffsetFetch", offsetFetchRequest(9, "g", MEMBER, [AT]), JAVA_MESSAGES.offsetFetchResponse9],
  ["Produce", produceRequest(12, "id", 1, []), NONE],
  ["InitProducerId", initProducerIdRequest(5, "id", 1), NONE],
  ["EndTxn", endTxnRequest(5, "id", PRODUCER, "commit"), NONE],
  [
    "TxnOffsetCommit",
    txnOffsetCommitRequest(5, { transactionalId: "i", groupId: "g" }, PRODUCER, MEMBER, []),
    NONE,
  ],
  ["ConsumerGroupHeartbeat", heartbeatRequest(1, HEARTBEAT), NONE],
  ["SaslHandshake", saslHandshakeRequest(1, "PLAIN"), NONE],
  ["SaslAuthenticate", saslAuthenticateRequest(2, NONE), NONE],
];

/** Some bytes set, some cut off, some put in: what a faulty broker or network makes of an answer. */
function mutated(bytes: Buffer) {
  const change = fc.record({ at: fc.nat({ max: Math.max(bytes.length - 1, 0) }), to: fc.nat(255) });
  const random = fc.uint8Array({ maxLength: 24 });
  return fc
    .tuple(fc.array(change, { maxLength: 6 }), fc.nat({ max: bytes.length }), random)
    .map(([changes, cut, more]) => {
      const copy = Buffer.concat([
        bytes.subarray(0, bytes.length - cut),
        more,
        bytes.subarray(cut),
      ]);
      for (const { at, to } of changes) if (at < copy.length) copy[at] = to;
      return copy;
    });
}

/** What a decoder may keep for each byte of an answer: no length in it is believed unchecked. */
const HEAP_PER_RUN_MAX = 64 * 1024 * 1024;

for (const [name, request, answer] of DECODERS) {
  test(`any bytes as an answer to ${name} are read or refused`, () => {
    const seeds = fc.oneof(mutated(answer), fc.uint8Array({ maxLength: 200 }).map(Buffer.from));
    let slowestMs = 0;
    fc.assert(
      fc.property(seeds, (bytes) => {
        const before = getHeapStatistics().used_heap_size;
        const startedMs = performance.now();
        try {
          request.decode(new WireReader(Buffer.from(bytes)));
        } catch (thrown) {
          assert.ok(thrown instanceof OutriggerError, String(thrown));
        }
        slowestMs = Math.max(slowestMs, performance.now() - startedMs);
        assert.ok(getHeapStatistics().used_heap_size - before < HEAP_PER_RUN_MAX);
      }),
      { numRuns: 1_500 },
    );
    assert.ok(slowestMs < 1_000, `${slowestMs} ms for one answer`);
  });
}

test("mutated batches of every kind, one or several, are read within bounds or refused", async () => {
  const batches = Object.values(JAVA_BATCHES);
  const sealed = fc
    .tuple(fc.constantFrom(...batches).chain(mutated), fc.boolean())
    .map(([batch, repair]) => {
      // Half of them with a right length and checksum, so that what is behind them is met.
      if (repair && batch.length > 61) {
        batch.writeInt32BE(batch.length - 12, 8);
        batch[16] = 2;
        batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
      }
      return batch;
    });
  const aborted = fc.array(
    fc.record({
      producerId: fc.constantFrom(4242n, 1n, -1n),
      firstOffset: fc.nat({ max: 600 }),
    }),
    { maxLength: 3 },
  );
  const law = async (
    list: readonly Buffer[],
    transactions: readonly { producerId: bigint; firstOffset: number }[],
    from: number,
  ): Promise<void> => {
    const bytes = Buffer.concat(list);
    const fetched = { bytes, start: 0, end: bytes.length, aborted: transactions };
    try {
      const visible = visibleBatches(fetched, from, AT);
      let next = from;
      for await (const chunk of toChunks(visible, bytes, from, AT, 0)) {
        assert.ok(chunk.nextOffset >= next, "the position never goes back");
        next = chunk.nextOffset;
        for (let row = 0; row < chunk.columns.count; row++) {
          assert.ok((chunk.columns.offsets[row] ?? -1) >= from);
          chunk.columns.key(row);
          chunk.columns.value(row);
        }
      }
      assert.equal(next, visible.nextOffset);
    } catch (thrown) {
      assert.ok(thrown instanceof OutriggerError, String(thrown));
      assert.match(thrown.code, /^(RECORD_CORRUPT|COMPRESSION_UNSUPPORTED)$/);
      assert.match(thrown.message, /flights-3@/);
    }
  };
  const several = fc.array(sealed, { minLength: 1, maxLength: 3 });
  await fc.assert(fc.asyncProperty(several, aborted, fc.nat({ max: 600 }), law), {
    numRuns: 3_000,
    // A marker that claims a codec, and two thousand million records.
    examples: [[[markerOfMany()], [], 0]],
  });
});
