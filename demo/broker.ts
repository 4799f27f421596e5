import { startDevBroker } from "@outrigger/dev-broker";
import type { OutputRecord } from "./verify.ts";

/** When the output has been read. */
export interface ReadUntil {
  readonly enough: (records: readonly OutputRecord[]) => boolean;
  /** Called when there is enough: ends whoever writes, so that nothing can come unseen. */
  readonly settle: () => Promise<void>;
  readonly timeoutMs: number;
}

/** The broker that the demo runs on, in a process of its own. */
export interface DemoBroker {
  readonly name: string;
  readonly pid: number;
  readonly bootstrapServers: string;
  /** Who reads the output back. */
  readonly reader: string;
  /** Reads a topic with a client that is not ours; null takes kafkajs. */
  readonly read: ((topic: string, until: ReadUntil) => Promise<OutputRecord[]>) | null;
  stop(): Promise<void>;
}

export async function startBroker(wantsKafka: boolean): Promise<DemoBroker> {
  if (wantsKafka) {
    const { startKafkaForDemo } = await import("./real-kafka.ts");
    return await startKafkaForDemo();
  }
  const broker = await startDevBroker();
  return {
    name: "embedded (kfake, in memory)",
    pid: broker.pid,
    bootstrapServers: broker.bootstrapServers,
    reader: "kafkajs, read committed",
    read: null,
    stop: () => broker.stop(),
  };
}
