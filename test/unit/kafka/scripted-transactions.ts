import assert from "node:assert/strict";
import type { KafkaLimits } from "../../../src/kafka/limits.ts";
import { Cluster } from "../../../src/kafka/network/cluster.ts";
import { createProducer } from "../../../src/kafka/produce/transactional-producer.ts";
import { ERROR } from "../../../src/kafka/protocol/error-codes.ts";
import { WireWriter } from "../../../src/kafka/protocol/wire.ts";
import type { AppendedRecord, TransactionalProducer } from "../../../src/ports/producer.ts";
import {
  apiVersionsAnswer,
  coordinatorAnswer,
  metadataAnswer,
  ScriptedBroker,
} from "./scripted-broker.ts";

/** A producer, and a broker that says by a script what became of its transactions. */

export const API = {
  produce: 0,
  endTxn: 26,
  markers: 27,
  producers: 61,
  transactions: 65,
} as const;
const RANGES: Readonly<Record<number, readonly [number, number]>> = {
  ...{ 0: [0, 12], 3: [0, 13], 10: [0, 6], 22: [0, 5], 26: [0, 5], 27: [0, 2] },
  ...{ 61: [0, 0], 65: [0, 0] },
};
export const PID = 4_000n;
const VALUE = Buffer.from("value");

export interface Script {
  /** Of the transactional id, one answer after the other, the last one for ever. */
  readonly states: readonly string[];
  /** The epoch that has a transaction open in `out-0`; null while there is none. */
  openEpoch: number | null;
  /** What DescribeTransactions, DescribeProducers and WriteTxnMarkers answer. */
  readonly telling?: number;
  readonly describing?: number;
  readonly writing?: number;
  readonly limits?: Partial<KafkaLimits>;
  /** An API that the broker does not speak. */
  readonly without?: number;
}

export interface Scene {
  readonly producer: TransactionalProducer;
  /** API keys in the order that they came. */
  readonly asked: number[];
  readonly written: string[];
  readonly said: string[];
  hangUp(): void;
}

export async function withProducer(
  script: Script,
  use: (scene: Scene) => Promise<void>,
): Promise<void> {
  const scene = { asked: [] as number[], written: [] as string[], said: [] as string[] };
  const disconnects = new Set<() => void>();
  let epoch = 1;
  let described = 0;
  const broker: ScriptedBroker = await ScriptedBroker.start(({ apiKey, reader, disconnect }) => {
    disconnects.add(disconnect);
    scene.asked.push(apiKey);
    switch (apiKey) {
      case 18:
        return apiVersionsAnswer(withoutApi(script.without ?? null));
      case 3:
        return metadataAnswer(broker.address, [{ name: "out", id: "a".repeat(32), epochs: [0] }]);
      case 10:
        return coordinatorAnswer(broker.address, "id");
      case API.produce:
        return producedAnswer();
      case API.transactions: {
        const state = script.states[described++] ?? script.states.at(-1) ?? "Empty";
        return transactionAnswer(script.telling ?? ERROR.NONE, state, epoch);
      }
      case API.producers:
        return producersAnswer(script.describing ?? ERROR.NONE, script.openEpoch);
      case API.markers: {
        reader.compactArray(() => {
          const [pid, of, committed] = [reader.bigint64(), reader.int16(), reader.bool()];
          scene.written.push(`${pid}/${of} ${committed ? "commit" : "abort"}`);
          reader.compactArray(() => {
            reader.compactString();
            reader.compactArray(() => reader.int32());
            reader.tags();
          });
          reader.int32();
          reader.tags();
        });
        if ((script.writing ?? ERROR.NONE) === ERROR.NONE) script.openEpoch = null;
        return markersAnswer(script.writing ?? ERROR.NONE);
      }
      case API.endTxn:
        epoch += 1;
        return identityAnswer(epoch);
      default:
        return identityAnswer(epoch);
    }
  });
  const signal = AbortSignal.timeout(10_000);
  const cluster = await Cluster.connect(
    { bootstrapServers: [broker.address], clientId: "test", limits: script.limits ?? {} },
    signal,
  );
  const hear = (message: string): void => {
    scene.said.push(message);
  };
  const producer = createProducer(cluster, {
    transactionalId: "id",
    groupId: "group",
    transactionTimeoutMs: 1_000,
    log: { debug: hear, info: hear, warn: hear, error: hear },
  });
  const hangUp = (): void => {
    for (const disconnect of disconnects) disconnect();
    disconnects.clear();
  };
  try {
    assert.deepEqual(await producer.initialize(signal), { kind: "ready" });
    await producer.prepare(["out"], signal);
    await use({ ...scene, producer, hangUp });
  } finally {
    await producer.close();
    await cluster.close();
    await broker.stop();
  }
}

export async function transact(producer: TransactionalProducer): Promise<string> {
  const cut = producer.begin();
  cut.append(RECORD);
  return (await producer.produce(cut)).kind;
}

export const RECORD: AppendedRecord = {
  topic: "out",
  partition: 0,
  timestamp: 1,
  keyBytes: VALUE,
  keyPosition: 0,
  keyLength: -1,
  valueBytes: VALUE,
  valuePosition: 0,
  valueLength: VALUE.length,
  headersBytes: null,
  headersPosition: 0,
  headersEnd: 0,
};

function withoutApi(key: number | null): typeof RANGES {
  return Object.fromEntries(Object.entries(RANGES).filter(([each]) => Number(each) !== key));
}

function identityAnswer(epoch: number): Buffer {
  return new WireWriter().int32(0).int16(0).bigint64(PID).int16(epoch).emptyTags().finish();
}

/** Produce v12 of `out-0`. */
function producedAnswer(): Buffer {
  const writer = new WireWriter();
  writer.compactArray(["out"], (topic) => {
    writer.compactString(topic).compactArray([0], (partition) => {
      writer.int32(partition).int16(0).int64(0).int64(-1).int64(0);
      writer.compactArray([], () => {}).compactNullableString(null);
      writer.emptyTags();
    });
    writer.emptyTags();
  });
  return writer.int32(0).emptyTags().finish();
}

function transactionAnswer(code: number, state: string, epoch: number): Buffer {
  const writer = new WireWriter().int32(0);
  writer.compactArray(["id"], (id) => {
    writer.int16(code).compactString(id).compactString(state).int32(1_000).int64(-1);
    writer.bigint64(PID).int16(epoch);
    writer.compactArray([], () => {}).emptyTags();
  });
  return writer.emptyTags().finish();
}

function producersAnswer(code: number, openEpoch: number | null): Buffer {
  const writer = new WireWriter().int32(0);
  writer.compactArray(["out"], (topic) => {
    writer.compactString(topic).compactArray([0], (partition) => {
      writer.int32(partition).int16(code).compactNullableString(null);
      writer.compactArray(openEpoch === null ? [] : [openEpoch], (epoch) => {
        writer.bigint64(PID).int32(epoch).int32(0).int64(1).int32(5).int64(0).emptyTags();
      });
      writer.emptyTags();
    });
    writer.emptyTags();
  });
  return writer.emptyTags().finish();
}

function markersAnswer(code: number): Buffer {
  const writer = new WireWriter();
  writer.compactArray([PID], (pid) => {
    writer.bigint64(pid).compactArray(["out"], (topic) => {
      writer.compactString(topic).compactArray([0], (partition) => {
        writer.int32(partition).int16(code).emptyTags();
      });
      writer.emptyTags();
    });
    writer.emptyTags();
  });
  return writer.emptyTags().finish();
}
