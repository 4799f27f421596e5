import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { compileJava } from "../support/judges.ts";
import { kafkaClassPath } from "../support/kafka-jars.ts";
import { encodedInput } from "./encode.ts";
import type { Case, Outcome, TimeDifference } from "./topology.ts";

/** Said by Kafka Streams: it takes no such topology, or no such record. */
export class StreamsError extends Error {
  override readonly name = "StreamsError";
}

/** The JVM that runs cases by Kafka Streams' TopologyTestDriver, one after the other. */
export class KafkaStreams {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;
  readonly #waiting: ((line: string) => void)[] = [];
  readonly #stateDir = mkdtempSync(join(tmpdir(), "outrigger-differential-"));
  readonly #ended: Promise<unknown>;

  private constructor(flags: readonly string[]) {
    this.#child = spawn("java", flags, { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#lines.on("line", (line) => this.#waiting.shift()?.(line));
    this.#ended = new Promise((resolve) => this.#child.once("exit", resolve));
    // Whoever waits hears of an end that nobody asked for.
    void this.#ended.then(() => {
      for (const tell of this.#waiting.splice(0)) tell('{"error":"the JVM has ended"}');
    });
  }

  static async start(): Promise<KafkaStreams> {
    return new KafkaStreams([...(await differentialJava()), "Differential"]);
  }

  /** `as`: what it does as a sidecar does it, of docs/differences.md (java/SidecarTime.java). */
  async run({ nodes, input }: Case, as: readonly TimeDifference[] = []): Promise<Outcome> {
    const asked = {
      nodes,
      as,
      input: encodedInput(nodes, input),
      stateDir: this.#stateDir,
      wallClockMs: 0,
    };
    const line = await new Promise<string>((resolve) => {
      this.#waiting.push(resolve);
      this.#child.stdin.write(`${JSON.stringify(asked)}\n`);
    });
    const answer = JSON.parse(line) as Outcome & { readonly error?: string };
    if (answer.error !== undefined) throw new StreamsError(answer.error);
    return answer;
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
    rmSync(this.#stateDir, { recursive: true, force: true });
  }
}

/** Java's flags, with the class path of all that stands in `java`. */
export async function differentialJava(): Promise<readonly string[]> {
  const folder = join(import.meta.dirname, "java");
  const sources = readdirSync(folder).map((name) => join(folder, name));
  const classPath = await kafkaClassPath();
  const classes = compileJava("differential", sources, classPath);
  const jvm = ["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
  return [...jvm, "-cp", `${classes}${delimiter}${classPath}`];
}
