import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { differentialJava } from "./streams.ts";
import type { NodeSpec } from "./topology.ts";

export type Guarantee = "exactly_once_v2" | "at_least_once";

/** Kafka Streams applications on a real broker, in one JVM. */
export class StreamsInstances {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting: ((line: string) => void)[] = [];
  readonly #ended: Promise<unknown>;

  private constructor(flags: readonly string[]) {
    this.#child = spawn("java", flags, { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      this.#waiting.shift()?.(line);
    });
    this.#ended = new Promise((resolve) => this.#child.once("exit", resolve));
    void this.#ended.then(() => {
      for (const tell of this.#waiting.splice(0)) tell("the JVM has ended");
    });
  }

  static async start(bootstrapServers: string, stateDir: string): Promise<StreamsInstances> {
    const flags = await differentialJava();
    return new StreamsInstances([...flags, "Instances", bootstrapServers, stateDir]);
  }

  /** Resolves when it runs. */
  async run(
    id: string,
    nodes: readonly NodeSpec[],
    guarantee: Guarantee = "exactly_once_v2",
  ): Promise<void> {
    await this.#ask({ do: "start", id, nodes, guarantee }, `started ${id}`);
  }

  /** Resolves when it has committed all that it did, and left its group. */
  async stop(id: string): Promise<void> {
    await this.#ask({ do: "stop", id }, `stopped ${id}`);
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }

  async #ask(question: object, expected: string): Promise<void> {
    const line = await new Promise<string>((resolve) => {
      this.#waiting.push(resolve);
      this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    });
    if (line !== expected) throw new Error(`Kafka Streams: "${line}" in place of "${expected}"`);
  }
}
