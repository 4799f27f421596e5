import assert from "node:assert/strict";
import { RecordColumns, STRIDE } from "../../src/model/columns.ts";
import type { SlotState } from "../../src/model/rows.ts";
import { packValues } from "../../src/model/value-columns.ts";
import type {
  Application,
  ApplicationListener,
  BatchAnswer,
  BatchName,
  StateQuestion,
  WorkerHello,
  WorkerId,
} from "../../src/ports/application.ts";
import { type ApplicationServerOptions, createApplicationServer } from "../../src/server/server.ts";
import { compile } from "../../src/topology/compile.ts";

/** Plays the kernel behind the real server: writes down what it is told, and waits for it. */
export class ScriptedKernel implements ApplicationListener {
  readonly workers: WorkerId[] = [];
  readonly hellos: WorkerHello[] = [];
  readonly gone: { worker: WorkerId; reason: string }[] = [];
  readonly answers: BatchAnswer[] = [];
  readonly handBacks: BatchName[] = [];
  readonly questions: StateQuestion[] = [];
  #application: (Application & { readonly address: string }) | null = null;
  #told: () => void = () => {};

  static async listen(options: ApplicationServerOptions): Promise<ScriptedKernel> {
    const kernel = new ScriptedKernel();
    kernel.#application = await createApplicationServer(options, kernel);
    return kernel;
  }

  get application(): Application & { readonly address: string } {
    return this.#application ?? assert.fail("the server does not listen yet");
  }

  /** The worker that connected last. */
  get worker(): WorkerId {
    return this.workers.at(-1) ?? assert.fail("no worker is connected");
  }

  connected(worker: WorkerId, hello: WorkerHello): void {
    this.workers.push(worker);
    this.hellos.push(hello);
    this.#told();
  }

  disconnected(worker: WorkerId, reason: string): void {
    this.gone.push({ worker, reason });
    this.#told();
  }

  answered(_: WorkerId, answer: BatchAnswer): void {
    this.answers.push(answer);
    this.#told();
  }

  handedBack(_: WorkerId, batch: BatchName): void {
    this.handBacks.push(batch);
    this.#told();
  }

  asked(_: WorkerId, question: StateQuestion): void {
    this.questions.push(question);
    this.#told();
  }

  credited(): void {}

  /** Waits until `list` has `count` elements; returns the last of them. */
  async until<T>(list: readonly T[], count: number): Promise<T> {
    while (list.length < count) {
      await new Promise<void>((resolve) => {
        this.#told = resolve;
      });
    }
    return list[count - 1] ?? assert.fail();
  }

  /** Waits for the `count`-th worker and takes it in. */
  async welcome(count = 1): Promise<void> {
    const hello = await this.until(this.hellos, count);
    const programs = compile(hello.topology, { applicationId: "words" });
    this.application.welcome(this.worker, programs);
  }

  /** Dispatches words, all of partition 2, with what the store holds for each of them. */
  dispatch(
    dispatchId: number,
    words: readonly (readonly [key: string, value: string])[],
    over: { taskEpoch?: number; stored?: Readonly<Record<string, number>> } = {},
  ): void {
    const columns = columnsOf(words);
    const rows = [{ source: 0, partition: 2, columns, from: 0, to: words.length }];
    const states = [slotsOf(words, over.stored ?? {})];
    const name = { taskName: "0_2", taskEpoch: over.taskEpoch ?? 1, dispatchId };
    const batch = { ...name, stage: 0, firstSource: 0, rows, states, processingTimeoutMs: 60_000 };
    this.application.dispatch(this.worker, batch);
  }

  async close(): Promise<void> {
    await this.application.close();
  }
}

function columnsOf(words: readonly (readonly [string, string])[]): RecordColumns {
  const columns = new RecordColumns(Buffer.from(words.flat().join("")), words.length);
  let position = 0;
  for (const [row, [key, value]] of words.entries()) {
    const [k, v] = [Buffer.byteLength(key), Buffer.byteLength(value)];
    columns.positions.set([position, k, position + k, v, 0, 0], row * STRIDE);
    columns.offsets[row] = 100 + row;
    columns.timestamps[row] = 1_000 + row;
    position += k + v;
  }
  columns.count = words.length;
  return columns;
}

function slotsOf(
  words: readonly (readonly [string, string])[],
  stored: Readonly<Record<string, number>>,
): SlotState {
  const keys = [...new Set(words.map(([key]) => key))];
  return {
    store: 0,
    values: packValues(keys.map((key) => (stored[key] === undefined ? null : int64(stored[key])))),
    slots: Int32Array.from(words, ([key]) => keys.indexOf(key)),
    slotCounts: null,
    windowStarts: null,
    windowUnitMs: 0,
  };
}

export function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

/** The outputs of an answer as `row: key=count`. */
export function outputsOf({ outputs }: BatchAnswer): string[] {
  const { bytes, positions } = outputs;
  return Array.from(outputs.inputs, (row, index) => {
    const [key = 0, keyLength = 0, value = 0] = positions.subarray(index * 4, index * 4 + 4);
    const word = bytes.toString("utf8", key, key + keyLength);
    return `${row}: ${word}=${bytes.readBigInt64BE(value)}`;
  });
}

/** The mutations of an answer's one store as `slot or key=count`. */
export function mutationsOf({ mutations }: BatchAnswer): string[] {
  return mutations.flatMap(({ bytes, slots, keys, values }) => {
    const names = Array.from(slots, String);
    for (let at = 0; at < keys.length; at += 2) {
      const position = keys[at] ?? 0;
      names.push(bytes.toString("utf8", position, position + (keys[at + 1] ?? 0)));
    }
    return names.map((name, index) => `${name}=${bytes.readBigInt64BE(values[index * 2] ?? 0)}`);
  });
}
