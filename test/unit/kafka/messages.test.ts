import assert from "node:assert/strict";
import { test } from "node:test";
import type { WireRequest } from "../../../src/kafka/network/connection.ts";
import { apiVersionsRequest } from "../../../src/kafka/protocol/api-versions.ts";
import { fetchRequest } from "../../../src/kafka/protocol/fetch.ts";
import { findCoordinatorRequest } from "../../../src/kafka/protocol/find-coordinator.ts";
import { EARLIEST, listOffsetsRequest } from "../../../src/kafka/protocol/list-offsets.ts";
import { metadataRequest } from "../../../src/kafka/protocol/metadata.ts";
import { offsetFetchRequest } from "../../../src/kafka/protocol/offset-fetch.ts";
import { WireReader } from "../../../src/kafka/protocol/wire.ts";
import { JAVA_MESSAGES } from "./java-bytes.ts";

function assertBytes(request: WireRequest<unknown>, expected: Buffer): void {
  assert.equal(Buffer.concat([...request.parts]).toString("hex"), expected.toString("hex"));
}

/** Decodes Java's answer and checks that not a byte was left or missed. */
function decodeAll<T>(request: WireRequest<T>, answer: Buffer): T {
  const reader = new WireReader(answer);
  const decoded = request.decode(reader);
  assert.equal(reader.remaining, 0);
  return decoded;
}

const TOPIC_ID = "0123456789abcdef1122334455667788";
const OTHER_ID = "00000000000000010000000000000002";
const BOUNDS = { waitMaxMs: 500, bytesMin: 1, bytesMax: 4194304, partitionBytesMax: 1048576 };

test("Fetch requests are Java's, byte for byte", () => {
  const positions = [
    {
      topicId: TOPIC_ID,
      partition: 3,
      offset: Number.MAX_SAFE_INTEGER,
      leaderEpoch: 5,
      lastEpoch: -1,
    },
    { topicId: OTHER_ID, partition: 0, offset: 17, leaderEpoch: 2, lastEpoch: -1 },
    { topicId: TOPIC_ID, partition: 1, offset: 0, leaderEpoch: -1, lastEpoch: -1 },
  ];
  assertBytes(fetchRequest(16, positions, BOUNDS), JAVA_MESSAGES.fetch16);
  assertBytes(fetchRequest(13, positions, BOUNDS), JAVA_MESSAGES.fetch13);
});

test("a Fetch answer is read with its tagged fields, aborted transactions and records", () => {
  const answer = decodeAll(fetchRequest(16, [], BOUNDS), JAVA_MESSAGES.fetchResponse16);
  assert.equal(answer.error, 0);
  const [moved, read] = answer.partitions;
  assert.ok(moved && read);
  assert.deepEqual([moved.topicId, moved.partition, moved.error], [TOPIC_ID, 3, 6]);
  assert.deepEqual(moved.leader, { brokerId: 2, epoch: 9 });
  assert.deepEqual(answer.endpoints, [{ id: 2, host: "h", port: 9092 }]);
  assert.equal(moved.end - moved.start, 0);
  assert.deepEqual(read.aborted, [
    { producerId: 77n, firstOffset: 12 },
    { producerId: 78n, firstOffset: 20 },
  ]);
  assert.deepEqual([...read.bytes.subarray(read.start, read.end)], [1, 2, 3, 4, 5]);
});

test("Metadata is asked for and read as Java does", () => {
  const request = metadataRequest(12, ["flights", "größe"]);
  assertBytes(request, JAVA_MESSAGES.metadata12);
  assert.deepEqual(decodeAll(request, JAVA_MESSAGES.metadataResponse12), {
    brokers: [
      { id: 1, host: "localhost", port: 9092 },
      { id: 2, host: "::1", port: 9093 },
    ],
    topics: [
      {
        error: 0,
        name: "flights",
        id: TOPIC_ID,
        partitions: [
          { error: 0, partition: 1, leader: 2, leaderEpoch: 4, replicas: 2, inSync: 1 },
          { error: 5, partition: 0, leader: -1, leaderEpoch: 3, replicas: 1, inSync: 0 },
        ],
        operations: -2_147_483_648,
      },
      {
        error: 3,
        name: "nope",
        id: "0".repeat(32),
        partitions: [],
        operations: -2_147_483_648,
      },
    ],
  });
});

test("FindCoordinator is asked and read as Java does", () => {
  const request = findCoordinatorRequest(4, "transaction", "app-1");
  assertBytes(request, JAVA_MESSAGES.findCoordinator4);
  assert.deepEqual(decodeAll(request, JAVA_MESSAGES.findCoordinatorResponse4), [
    { key: "app-1", id: 3, host: "b3", port: 9094, error: 0, message: null },
  ]);
});

test("ListOffsets is asked read uncommitted and read as Java does", () => {
  const request = listOffsetsRequest(7, { topic: "flights", partition: 3 }, 7, EARLIEST);
  assertBytes(request, JAVA_MESSAGES.listOffsets7);
  const answer = decodeAll(request, JAVA_MESSAGES.listOffsetsResponse7);
  assert.deepEqual(answer, { error: 0, offset: 2 ** 32 + 5, leaderEpoch: 7 });
});

test("OffsetFetch carries the member and require_stable, and is read as Java does", () => {
  const partitions = [
    { topic: "flights", partition: 0 },
    { topic: "flights", partition: 2 },
  ];
  const request = offsetFetchRequest(9, "app", { memberId: "m-1", memberEpoch: 12 }, partitions);
  assertBytes(request, JAVA_MESSAGES.offsetFetch9);
  const nobody = offsetFetchRequest(9, "app", { memberId: "", memberEpoch: -1 }, partitions);
  assertBytes(nobody, JAVA_MESSAGES.offsetFetch9NoMember);
  assert.deepEqual(decodeAll(request, JAVA_MESSAGES.offsetFetchResponse9), {
    error: 0,
    partitions: [
      { topic: "flights", partition: 0, offset: 41, leaderEpoch: 2, metadata: "meta", error: 0 },
      { topic: "flights", partition: 2, offset: -1, leaderEpoch: -1, metadata: "", error: 88 },
    ],
  });
});

test("ApiVersions tells versions and finalized features", () => {
  const request = apiVersionsRequest("0.1.0");
  assertBytes(request, JAVA_MESSAGES.apiVersions3);
  const versions = decodeAll(request, JAVA_MESSAGES.apiVersionsResponse3);
  assert.deepEqual([...versions.features], [["transaction.version", 2]]);
  assert.equal(versions.pick({ key: 1, name: "Fetch", oldest: 13, newest: 16 }), 16);
  assert.throws(
    () => versions.pick({ key: 9, name: "OffsetFetch", oldest: 11, newest: 12 }),
    /OffsetFetch is needed in version 11 to 12, the broker offers 1 to 10/,
  );
});
