import { spawnSync } from "node:child_process";
import { differentialJava } from "./streams.ts";

export interface WindowedRecord {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  /** NaN where it is null. */
  readonly value: number;
  readonly partition: number;
}

/** `changelog` is one of a window store; that of a session store has the keys of its output. */
export interface WindowedTopic {
  readonly kind: "time" | "changelog" | "session";
  readonly sizeMs: number;
  readonly topic: string;
}

/** What Kafka Streams' windowed deserialisers make of topics, one after the other. */
export async function readWindowed(
  bootstrapServers: string,
  topics: readonly WindowedTopic[],
): Promise<WindowedRecord[][]> {
  const asked = topics.flatMap(({ kind, sizeMs, topic }) => [kind, `${sizeMs}`, topic]);
  const flags = [...(await differentialJava()), "WindowedKeys", bootstrapServers, ...asked];
  const { stdout, stderr } = spawnSync("java", flags, { encoding: "utf8" });
  const parts = stdout.split(/^end\n/m);
  if (parts.length !== topics.length + 1 || parts.at(-1) !== "") {
    throw new Error(`they were not read to their ends: ${stderr}`);
  }
  return parts.slice(0, -1).map((part) => part.split("\n").slice(0, -1).map(recordOf));
}

function recordOf(line: string): WindowedRecord {
  const [key = "", start, end, value, partition] = line.split("\t");
  const [from, to] = [Number(start), Number(end)];
  return { key, start: from, end: to, value: Number(value), partition: Number(partition) };
}
