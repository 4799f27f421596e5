import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync } from "node:fs";
import kafkajs from "kafkajs";

const START_TIMEOUT_MS = 60_000;

/** One Kafka node, a Java process of its own: started, ended in any way, and started again. */
export class KafkaNode {
  readonly id: number;
  /** `host:port` of the plain listener. */
  readonly address: string;
  readonly #log: string;
  readonly #flags: readonly string[];
  #child: ChildProcess | null = null;

  /** `flags` are Java's; what it says goes to the file `log`. */
  constructor(id: number, address: string, log: string, flags: readonly string[]) {
    this.id = id;
    this.address = address;
    this.#log = log;
    this.#flags = flags;
    process.once("exit", this.#killAtExit);
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when it describes itself as part of its cluster. */
  async start(): Promise<void> {
    const child = spawn("java", this.#flags, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    // Where it says nothing, there is a log yet.
    appendFileSync(this.#log, "");
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (text: Buffer) => appendFileSync(this.#log, text));
    }
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await this.#isReady())) {
      const ended = child.signalCode ?? child.exitCode;
      if (ended === null && performance.now() <= deadline) continue;
      child.kill("SIGKILL");
      const why =
        ended === null ? `gave no answer in ${START_TIMEOUT_MS} ms` : `ended with ${ended}`;
      const said = readFileSync(this.#log, "utf8").slice(-4_000);
      throw new Error(`Kafka did not start, it ${why}:\n${said}`);
    }
    child.unref();
    for (const stream of [child.stdout, child.stderr]) {
      if ("unref" in stream && typeof stream.unref === "function") stream.unref();
    }
  }

  /** SIGKILL: as by a power cut. SIGTERM: it hands over what it leads, and flushes. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (child === null || !this.isRunning) return;
    const gone = once(child, "exit");
    child.ref();
    child.kill(signal);
    await gone;
  }

  readonly #killAtExit = (): void => {
    this.#child?.kill("SIGKILL");
  };

  async #isReady(): Promise<boolean> {
    const kafka = new kafkajs.Kafka({
      brokers: [this.address],
      logLevel: kafkajs.logLevel.NOTHING,
      connectionTimeout: 500,
      retry: { retries: 0 },
    });
    const admin = kafka.admin();
    try {
      await admin.connect();
      const { brokers } = await admin.describeCluster();
      return brokers.some(({ nodeId }) => nodeId === this.id);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return false;
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }
}

/** As server.properties has them. */
export function renderProperties(properties: Readonly<Record<string, string | number>>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}
