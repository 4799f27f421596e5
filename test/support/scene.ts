import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Kafka } from "kafkajs";
import type { Broker, BrokerKind } from "./brokers.ts";
import { type JudgedRecord, readWithJava, readWithLibrdkafka } from "./judges.ts";
import {
  Child,
  eventually,
  type SidecarSettings,
  startApplication,
  startSidecarProcess,
} from "./sidecar-process.ts";
import { kafkaAt, makeTopics, watch } from "./topics.ts";

let made = 0;

/** One application on one broker: topics, a state directory, a sidecar and a process of its own. */
export class Scene {
  readonly kafka: Kafka;
  readonly input: string;
  readonly output: string;
  readonly settings: SidecarSettings;
  readonly children: Child[] = [];
  sidecar: Child | null = null;
  application: Child | null = null;
  readonly #kind: BrokerKind["name"];
  readonly #broker: Broker;
  readonly #folder: string;

  private constructor(kind: BrokerKind["name"], broker: Broker, name: string, flags: Flags) {
    this.#kind = kind;
    this.#broker = broker;
    this.#folder = mkdtempSync(join(tmpdir(), "outrigger-scene-"));
    this.kafka = kafkaAt(broker.bootstrapServers);
    this.input = `${name}-in`;
    this.output = `${name}-out`;
    this.settings = {
      bootstrapServers: broker.bootstrapServers,
      applicationId: name,
      stateDir: join(this.#folder, "state"),
      address: `unix:${join(this.#folder, "s.sock")}`,
      flags,
    };
  }

  static async make(
    kind: BrokerKind["name"],
    broker: Broker,
    name: string,
    flags: Flags = {},
  ): Promise<Scene> {
    const scene = new Scene(kind, broker, `${name}-${made++}`, flags);
    await makeTopics(scene.kafka, [scene.input, scene.output]);
    return scene;
  }

  /** `command` as for a `Child`: with Node's own path, as the package's `bin` runs it. */
  startSidecar(environment: Record<string, string> = {}, command: string | null = null): Child {
    this.sidecar = startSidecarProcess(this.settings, environment, command);
    this.children.push(this.sidecar);
    return this.sidecar;
  }

  startApplication(script: string, environment: Record<string, string> = {}): Child {
    const settings = { ...environment, ...this.#topics };
    this.application = startApplication(script, this.settings.address, settings);
    this.children.push(this.application);
    return this.application;
  }

  /** The environment goes before what the scene says. */
  startAlone(script: string, environment: Record<string, string>): Child {
    const settings = { ...this.#topics, ...environment };
    this.application = startApplication(script, this.settings.address, settings);
    this.children.push(this.application);
    return this.application;
  }

  /** An application in another language than this one. */
  startCommand(command: string, ...args: readonly string[]): Child {
    const environment = { ...this.#topics, OUTRIGGER_ADDRESS: this.settings.address };
    this.application = new Child(args.at(-1) ?? command, args, environment, command);
    this.children.push(this.application);
    return this.application;
  }

  get #topics(): Record<string, string> {
    return { OUTRIGGER_TEST_IN: this.input, OUTRIGGER_TEST_OUT: this.output };
  }

  /** Another process of the same application: its own directory, its own workers. */
  startSecond(script: string): { readonly sidecar: Child; readonly application: Child } {
    const stateDir = join(this.#folder, "state-2");
    const address = `unix:${join(this.#folder, "s2.sock")}`;
    const sidecar = startSidecarProcess({ ...this.settings, stateDir, address });
    const application = startApplication(script, address, this.#topics);
    this.children.push(sidecar, application);
    return { sidecar, application };
  }

  wipeState(): void {
    rmSync(this.settings.stateDir, { recursive: true, force: true });
  }

  /** Until so many committed outputs were seen; what they are is for the judges. */
  async outputs(count: number, timeoutMs = 60_000): Promise<void> {
    await this.records(this.output, count, timeoutMs);
  }

  async records(topic: string, count: number, timeoutMs = 60_000): Promise<void> {
    const seen = await watch(this.kafka, topic);
    try {
      const isThere = (): boolean => seen.records.length >= count;
      await eventually(`${count} records in ${topic}`, isThere, this.children, timeoutMs);
    } catch (thrown: unknown) {
      // The watching client may sit in a back-off of its own: the judges have the last word.
      const [judged] = await this.judge([topic]);
      const found = judged?.length ?? 0;
      if (found >= count) return;
      throw new Error(`${topic} has ${found} records`, { cause: thrown });
    } finally {
      await seen.stop();
    }
  }

  /** What clients that are not ours read, committed: Java and librdkafka on a real Kafka. */
  async judge(topics: readonly string[] = [this.output]): Promise<(readonly JudgedRecord[])[]> {
    const { bootstrapServers } = this.#broker;
    if (this.#kind === "kafka") {
      const java = await readWithJava(bootstrapServers, topics);
      const librdkafka = await readWithLibrdkafka(bootstrapServers, topics);
      return librdkafka === null ? [java] : [java, librdkafka];
    }
    const admin = this.kafka.admin();
    await admin.connect();
    const judged: JudgedRecord[] = [];
    for (const topic of topics) {
      const seen = await watch(this.kafka, topic);
      // Quiet for a while after the last record: a doubled one would have come.
      let count = -1;
      let since = performance.now();
      await eventually(`the end of ${topic}`, () => {
        if (seen.records.length !== count) since = performance.now();
        count = seen.records.length;
        return performance.now() - since > 1_000;
      });
      await seen.stop();
      judged.push(...seen.records);
    }
    await admin.disconnect();
    return [judged];
  }

  async end(): Promise<void> {
    for (const child of this.children) if (child.isRunning) await child.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

type Flags = Readonly<Record<string, string | number>>;
