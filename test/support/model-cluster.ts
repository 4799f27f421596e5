import type { Socket } from "node:net";
import { Cluster } from "../../src/kafka/network/cluster.ts";
import type { SocketFactory } from "../../src/kafka/network/socket.ts";
import { WireReader, WireWriter } from "../../src/kafka/protocol/wire.ts";
import { hostOf, serve } from "../sim/kafka/broker.ts";
import { ModelKafka } from "../sim/kafka/model.ts";
import { Random } from "../sim/random.ts";

const API_VERSIONS = 18;
const LENGTH_BYTES = 4;

/** The simulator's model of Kafka in real time, behind our own client: for the contract. */
export async function connectToModel(
  kip1251: boolean,
): Promise<{ cluster: Cluster; kafka: ModelKafka }> {
  const kafka = new ModelKafka(
    {
      nowMs: () => performance.now(),
      after: (ms, run) => {
        setTimeout(run, ms).unref();
      },
      random: new Random("contract"),
    },
    {
      nodes: 3,
      transactionVersion: 2,
      firstEpoch: 0,
      expiryCheckMs: 500,
      sessionTimeoutMs: 45_000,
      heartbeatIntervalMs: 5_000,
      kip1251,
      assignmentIntervalMs: 300,
      decided: () => {},
      offsetCommitted: () => {},
    },
  );
  const cluster = await Cluster.connect(
    {
      bootstrapServers: [{ host: hostOf(1), port: 9092 }],
      clientId: "contract",
      openSocket: socketsTo(kafka),
    },
    AbortSignal.timeout(10_000),
  );
  return { cluster, kafka };
}

function socketsTo(kafka: ModelKafka): SocketFactory {
  return async ({ host }, onBytes) => {
    const nodeId = Number(host.slice(host.indexOf("-") + 1));
    const waiting: Buffer[] = [];
    let parts: Buffer[] = [];
    let busy = false;
    const next = (): void => {
      const frame = busy ? undefined : waiting.shift();
      if (frame === undefined) return;
      busy = true;
      const reader = new WireReader(frame, LENGTH_BYTES);
      const apiKey = reader.int16();
      reader.int16();
      const correlationId = reader.int32();
      reader.nullableString();
      reader.tags();
      const reply = (body: WireWriter): void => {
        busy = false;
        const bytes = answer(apiKey, correlationId, body.finish());
        setImmediate(() => onBytes(bytes, bytes.length));
        next();
      };
      serve(kafka, nodeId, { apiKey, reader, refuse: null, reply });
    };
    const calls = {
      destroyed: false,
      cork: () => {},
      write: (bytes: Buffer) => parts.push(bytes),
      uncork: () => {
        waiting.push(Buffer.concat(parts));
        parts = [];
        setImmediate(next);
      },
      destroy: () => {},
      on: () => {},
    };
    return calls as unknown as Socket;
  };
}

function answer(apiKey: number, correlationId: number, body: Buffer): Buffer {
  const header = new WireWriter(16).int32(0).int32(correlationId);
  if (apiKey !== API_VERSIONS) header.emptyTags();
  const head = header.finish();
  head.writeInt32BE(head.length - LENGTH_BYTES + body.length, 0);
  return Buffer.concat([head, body]);
}
