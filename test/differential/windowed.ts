import { spawnSync } from "node:child_process";
import { differentialJava } from "./streams.ts";

export interface WindowedRecord {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  /** NaN where it is null. */
  readonly value: number;
}

/** What Kafka Streams' windowed deserialisers make of a topic; `changelog` is one of a window store. */
export async function readWindowed(
  bootstrapServers: string,
  kind: "time" | "changelog" | "session",
  sizeMs: number,
  topic: string,
): Promise<WindowedRecord[]> {
  const args = ["WindowedKeys", bootstrapServers, kind, `${sizeMs}`, topic];
  const flags = [...(await differentialJava()), ...args];
  const { stdout, stderr } = spawnSync("java", flags, { encoding: "utf8" });
  if (!stdout.endsWith("end\n")) throw new Error(`it was not read to its end: ${stderr}`);
  const lines = stdout.split("\n").slice(0, -2);
  return lines.map((line) => {
    const [key = "", start, end, value] = line.split("\t");
    return { key, start: Number(start), end: Number(end), value: Number(value) };
  });
}
