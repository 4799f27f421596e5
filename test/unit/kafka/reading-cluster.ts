import type { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { Cluster } from "../../../src/kafka/network/cluster.ts";
import { WireWriter } from "../../../src/kafka/protocol/wire.ts";
import type { FetchedChunk } from "../../../src/ports/consumer.ts";
import { JAVA_BATCHES } from "./java-bytes.ts";
import {
  apiVersionsAnswer,
  coordinatorAnswer,
  fetchAnswer,
  metadataAnswer,
  readFetchRequest,
  ScriptedBroker,
  type ScriptedFetchRequest,
  type ScriptedRequest,
} from "./scripted-broker.ts";

export const ID = "0123456789abcdef1122334455667788";
export const NEW_ID = "ffffffffffffffff1122334455667788";
export const AT = { topic: "flights", partition: 0 };
export const MEMBER = { memberId: "member", memberEpoch: 3 };
export const RANGES = { 1: [4, 18], 2: [1, 11], 3: [0, 13], 9: [1, 10], 10: [0, 6] } as const;

/** What a test's broker does; anything not given answers as a healthy one. */
export interface Behaviour {
  metadata?: () => { id?: string; epochs?: readonly number[]; error?: number };
  fetch?: (request: ScriptedFetchRequest, scripted: ScriptedRequest) => Promise<Buffer> | Buffer;
  offsets?: () => Buffer;
  coordinator?: () => number;
}

export const LIMITS = {
  retryBackoffMs: 1,
  retryBackoffMaxMs: 5,
  unstableOffsetsBackoffMs: 1,
  fetchWaitShortMs: 5,
  topicMissingMaxMs: 20,
};

export async function withCluster(
  behaviour: Behaviour,
  use: (cluster: Cluster, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const broker: ScriptedBroker = await ScriptedBroker.start((request) => {
    switch (request.apiKey) {
      case 18:
        return apiVersionsAnswer(RANGES);
      case 3: {
        const { id = ID, epochs = [1, 1, 1, 1], error = 0 } = behaviour.metadata?.() ?? {};
        const topic = { name: AT.topic, id, error, epochs: error === 0 ? epochs : [] };
        return metadataAnswer(broker.address, [topic]);
      }
      case 10:
        return coordinatorAnswer(broker.address, "group", behaviour.coordinator?.() ?? 0);
      case 9:
        return behaviour.offsets?.() ?? offsetsAnswer({});
      default:
        return behaviour.fetch?.(readFetchRequest(request.reader), request) ?? fetchAnswer([]);
    }
  });
  const signal = AbortSignal.timeout(5000);
  const bootstrapServers = [broker.address];
  const options = { bootstrapServers, clientId: "test", limits: LIMITS };
  const cluster = await Cluster.connect(options, signal);
  try {
    await use(cluster, signal);
  } finally {
    await cluster.close();
    await broker.stop();
  }
}

/** Collects what the consumer says; `until` waits for a condition on it. */
export function collector() {
  const chunks: FetchedChunk[] = [];
  const failures: { fence: number; error: OutriggerError }[] = [];
  let check = () => {};
  return {
    chunks,
    failures,
    listener: {
      fetched: (chunk: FetchedChunk) => {
        chunks.push(chunk);
        check();
      },
      empty: () => {},
      failed: (_at: unknown, fence: number, error: OutriggerError) => {
        failures.push({ fence, error });
        check();
      },
    },
    until: (condition: () => boolean, signal: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        check = () => condition() && resolve();
        signal.addEventListener("abort", () => reject(signal.reason));
        check();
      }),
  };
}

export function batchAt(offset: number): Buffer {
  const batch = Buffer.from(JAVA_BATCHES.plain);
  batch.writeUInt32BE(offset, 4);
  return batch;
}

export function offsetsAnswer(answer: {
  group?: number;
  partition?: number;
  offset?: number;
}): Buffer {
  const writer = new WireWriter().int32(0);
  writer.compactArray(["group"], (group) => {
    writer.compactString(group).compactArray(["flights"], (topic) => {
      writer.compactString(topic).compactArray([0], (partition) => {
        writer
          .int32(partition)
          .int64(answer.offset ?? -1)
          .int32(4);
        writer
          .compactNullableString("meta")
          .int16(answer.partition ?? 0)
          .emptyTags();
      });
      writer.emptyTags();
    });
    writer.int16(answer.group ?? 0).emptyTags();
  });
  return writer.emptyTags().finish();
}

/** Nothing arrives: held as long as the client said. */
export function held(request: ScriptedFetchRequest): Promise<Buffer> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(fetchAnswer([])), request.waitMaxMs).unref();
  });
}
