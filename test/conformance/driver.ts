import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProcessRequest } from "../../src/gen/outrigger/v1/processor_pb.ts";
import type { StateRequest } from "../../src/gen/outrigger/v1/state_pb.ts";
import type { Child } from "../support/sidecar-process.ts";
import type { Answer, Case, Expected, Step, TopologyName } from "./case.ts";
import { bytes, welcomeTo } from "./frames.ts";
import { checkHello } from "./hello.ts";
import { type Language, startApplication } from "./languages.ts";
import { ScriptedSidecar, type ScriptedStream } from "./scripted-sidecar.ts";
import { compare, inputsOf } from "./seen.ts";

/** How long a worker may take for what it has to do. */
const STEP_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 30_000;
/** A process that was told never to come back would have come by then: its first pause is 50 ms. */
const NO_RETURN_MS = 1_500;
/** A request id that no worker has come to within a case. */
const UNASKED = 4_000_000_000;

/** What either side takes where it does not say. */
const FRAME_BYTES = 4 * 1024 * 1024;

type Frame = ProcessRequest["frame"] | "end";

/** One worker process and the scripted sidecar that it is connected to. */
class Pair {
  readonly sidecar: ScriptedSidecar;
  child: Child;

  constructor(sidecar: ScriptedSidecar, child: Child) {
    this.sidecar = sidecar;
    this.child = child;
  }
}

/** Runs cases against one SDK; processes live on from case to case, as they do in real life. */
export class Driver {
  readonly #language: Language;
  readonly #folder = mkdtempSync(join(tmpdir(), "outrigger-conformance-"));
  readonly #pairs = new Map<string, Pair>();

  constructor(language: Language) {
    this.#language = language;
  }

  async run(given: Case): Promise<void> {
    const pair = await this.#pairFor(given);
    const run = new CaseRun(given, pair);
    try {
      await run.run();
    } catch (error: unknown) {
      await pair.child.kill();
      const said = pair.child.output.trim().split("\n").slice(-12).join("\n      ");
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${reason}\n      the application said: ${said || "nothing"}`, {
        cause: error,
      });
    }
  }

  async close(): Promise<void> {
    for (const { child, sidecar } of this.#pairs.values()) {
      if (child.isRunning) await child.kill();
      sidecar.cut();
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #pairFor({ topology = "process", token = "" }: Case): Promise<Pair> {
    const name = `${topology}${token}`;
    const known = this.#pairs.get(name);
    if (known?.child.isRunning === true) return known;
    const address = token === "" ? `unix:${join(this.#folder, `${name}.sock`)}` : "127.0.0.1:0";
    const sidecar = known?.sidecar ?? (await ScriptedSidecar.listen(address));
    const child = startApplication(this.#language, "conformance", {
      OUTRIGGER_ADDRESS: sidecar.address,
      OUTRIGGER_TOKEN: token,
      OUTRIGGER_CONFORMANCE_TOPOLOGY: topology,
    });
    const pair = known ?? new Pair(sidecar, child);
    pair.child = child;
    this.#pairs.set(name, pair);
    return pair;
  }
}

/** One case on its way. */
class CaseRun {
  readonly #case: Case;
  readonly #topology: TopologyName;
  readonly #pair: Pair;
  readonly #inputs = new Map<number, ReturnType<typeof inputsOf>>();
  #stream: ScriptedStream | null = null;
  /** The question asked last, of each task, in the order of asking. */
  readonly #questions = new Map<string, StateRequest>();

  constructor(given: Case, pair: Pair) {
    this.#case = given;
    this.#topology = given.topology ?? "process";
    this.#pair = pair;
  }

  async run(): Promise<void> {
    await this.#greet(START_TIMEOUT_MS, this.#case.unwelcomed !== true);
    for (const [index, step] of this.#case.steps.entries()) {
      try {
        await this.#take(step);
      } catch (error: unknown) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`step ${index + 1} (${Object.keys(step)[0]}): ${reason}`, { cause: error });
      }
    }
    this.#stream?.end("drained");
  }

  async #greet(timeoutMs: number, isWelcomed: boolean): Promise<void> {
    const stream = await this.#pair.sidecar.nextStream(timeoutMs);
    this.#stream = stream;
    assert.equal(stream.token, this.#case.token ?? "", "the token");
    const hello = await stream.next("the hello", STEP_TIMEOUT_MS);
    const toWorker = checkHello(hello, this.#topology);
    if (isWelcomed) {
      const value = { ...welcomeTo(this.#topology), ...this.#case.welcomed };
      stream.send({ case: "welcome", value });
      const { maxFrameBytes: toSidecar = FRAME_BYTES, maxMessageBytes: message = 0 } = value;
      stream.agree({ toWorker, toSidecar, message });
    }
  }

  async #take(step: Step): Promise<void> {
    if ("send" in step) {
      if (step.send.case === "batch") {
        this.#inputs.set(Number(step.send.value.dispatchId), inputsOf(step.send.value));
      }
      this.#open().send(step.send);
    } else if ("sendBytes" in step) this.#open().sendBytes(step.sendBytes);
    else if ("answer" in step) this.#answer(this.#askedBy(step.of), step.answer);
    else if ("answerUnasked" in step) this.#answer(UNASKED, step.answerUnasked);
    else if ("expect" in step) await this.#expect([step.expect]);
    else if ("expectAll" in step) await this.#expect(step.expectAll);
    else if ("welcome" in step) this.#open().send({ case: "welcome", value: step.welcome });
    else if ("again" in step) await this.#greet(STEP_TIMEOUT_MS, true);
    else if ("greetedAgain" in step) await this.#greet(STEP_TIMEOUT_MS, false);
    else if ("signal" in step) this.#pair.child.signal(step.signal);
    else if ("ended" in step) assert.equal(await this.#next("its end of the stream"), "end");
    else if ("exit" in step) await this.#exit(step.exit, step.said);
    else if ("restart" in step) await this.#restart();
    else if (step.end === "cut") await this.#restart();
    else this.#open().end(step.end);
  }

  #askedBy(task: string | undefined): number {
    const questions = [...this.#questions.values()];
    const question = task === undefined ? questions.at(-1) : this.#questions.get(task);
    assert.ok(question !== undefined, `${task ?? "nobody"} has asked`);
    return question.requestId;
  }

  #answer(requestId: number, answer: Answer): void {
    if ("error" in answer) {
      const value = { requestId, error: answer.error };
      this.#open().send({ case: "stateResponse", value });
      return;
    }
    if ("entries" in answer) {
      const { entries, more = false } = answer;
      const keys = entries.map(([key]) => bytes(key));
      const values = entries.map(([, value]) => bytes(value));
      this.#open().send({ case: "stateResponse", value: { requestId, keys, values, more } });
      return;
    }
    const absent = answer.values.flatMap((value, index) => (value === null ? [index] : []));
    const values = answer.values.map((value) => bytes(value ?? ""));
    this.#open().send({ case: "stateResponse", value: { requestId, values, absent } });
  }

  /** In whatever order where there are several. */
  async #expect(expected: readonly Expected[]): Promise<void> {
    const open = [...expected];
    while (open.length > 0) {
      const frame = await this.#next(open.map((one) => JSON.stringify(one)).join(" or "));
      assert.ok(frame !== "end", "the worker ended its stream");
      if (frame.case === "stateRequest") {
        this.#questions.delete(frame.value.taskId);
        this.#questions.set(frame.value.taskId, frame.value);
      }
      const faults: string[] = [];
      const found = open.findIndex((one) => {
        try {
          const of = "of" in one ? one.of : 0;
          compare(frame, one, this.#inputs.get(of) ?? []);
          return true;
        } catch (error: unknown) {
          faults.push(error instanceof Error ? error.message : String(error));
          return false;
        }
      });
      if (found < 0) throw new Error(faults.join("\n"));
      open.splice(found, 1);
    }
  }

  async #next(what: string): Promise<Frame> {
    for (;;) {
      const frame = await this.#open().next(what, STEP_TIMEOUT_MS);
      // Lines for the log may come at any time.
      if (frame === "end" || frame.case !== "log") return frame;
    }
  }

  async #exit(code: number, said: RegExp | undefined): Promise<void> {
    const { child } = this.#pair;
    const timer = setTimeout(() => child.signal("SIGKILL"), STEP_TIMEOUT_MS);
    const ended = await child.ended();
    clearTimeout(timer);
    this.#stream = null;
    if (said !== undefined) assert.match(child.output, said);
    assert.equal(ended, String(code), "the exit code");
    const cameBack = code === 1 && (await this.#pair.sidecar.isConnectedTo(NO_RETURN_MS / 5));
    assert.ok(!cameBack, "it connected again");
  }

  async #restart(): Promise<void> {
    this.#pair.sidecar.cut();
    await this.#pair.sidecar.open();
  }

  #open(): ScriptedStream {
    if (this.#stream === null) throw new Error("the case has no stream");
    return this.#stream;
  }
}
