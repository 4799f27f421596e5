import { join } from "node:path";
import type { Batch } from "../../src/gen/outrigger/v1/processor_pb.ts";
import { ScriptedSidecar } from "../conformance/scripted-sidecar.ts";
import { type Frame, HostileWorker } from "../support/hostile-worker.ts";
import { ANSWERS, FRAMES, outputs } from "../support/lies.ts";
import { type Arena, pause } from "./arena.ts";
import type { Faults } from "./fault.ts";

/** A worker that breaks the protocol in every way that it can, beside a good one. */

const HELLO_MS = 20_000;
const HOSTILE_MS = 12_000;
/** Longer than it takes to be sent away. */
const HOLDS_MS = 700;
/** Batches that a task may have had since one of them was seen here, and rows that one of them has. */
const GUESSES = 500;
const ROWS_GUESSED = [1, 2];
const TIMEOUT_MS = 2_000;
const SETTLED_MS = 300;
/** One turn in so many answers for the other worker. */
const OTHERS_EVERY = 3;
/** What it breaks is tried again at once, for as long as it takes. */
const FLAGS = {
  "retry.max": 1_000_000,
  "retry.initial.ms": 1,
  "retry.max.delay.ms": 5,
  "processing.timeout.ms": TIMEOUT_MS,
};

type Deed = (batch: Batch, worker: HostileWorker) => void;

const lie = { outputs: outputs({ values: [Buffer.from("a lie")] }) };

const lateOrStrange: Deed = (batch, worker) => {
  worker.answer({ ...batch, taskEpoch: batch.taskEpoch + 7 }, lie);
  worker.answer({ ...batch, dispatchId: batch.dispatchId + 1_000n }, lie);
  worker.answer({ ...batch, taskId: "9_9" }, lie);
};

const DEEDS: readonly Deed[] = [
  lateOrStrange,
  ...Object.values(ANSWERS).map(
    ({ given }): Deed =>
      (batch, worker) =>
        worker.answer(batch, given),
  ),
  ...Object.values(FRAMES).map(
    ({ frame }): Deed =>
      (_, worker) =>
        Buffer.isBuffer(frame) ? worker.raw(frame) : worker.send(frame),
  ),
  (_, worker) => worker.stopReading(),
  () => {},
];

/** What the workload's application says first: a hostile one must say the same to be let in. */
async function helloOf(arena: Arena): Promise<Frame> {
  const folder = arena.run.stateDir("hello");
  const scripted = await ScriptedSidecar.listen(`unix:${join(folder, "..", "hello.sock")}`);
  const application = arena.run.startApplicationAt(scripted.address);
  const stream = await scripted.nextStream(HELLO_MS);
  const frame = await stream.next("the hello", HELLO_MS);
  await application.kill();
  scripted.cut();
  if (frame === "end" || frame.case !== "hello") throw new Error("the application said no hello");
  return frame;
}

/** What was seen of each task last, as of whoever serves it now. */
type Seen = ReadonlyMap<string, Batch>;

/**
 * While the good worker stands still with its batches: answers to them, whole and well-formed. Nobody but
 * their worker may give them.
 */
async function answerForOthers(arena: Arena, worker: HostileWorker, seen: Seen): Promise<void> {
  // Until then it is settled who has a batch of which task: what is its own it may answer.
  await pause(SETTLED_MS);
  const own = new Set(worker.batches.map(({ taskId }) => taskId));
  for (const batch of seen.values()) {
    if (own.has(batch.taskId)) continue;
    for (let by = 1; by <= GUESSES && !worker.isOver; by++) {
      const dispatchId = batch.dispatchId + BigInt(by);
      for (const done of ROWS_GUESSED) worker.answer({ ...batch, dispatchId }, { ...lie, done });
    }
  }
  await pause(HOLDS_MS);
  arena.application("a").signal("SIGCONT");
}

async function hostile(arena: Arena): Promise<void> {
  const hello = await helloOf(arena);
  arena.start("a", {}, FLAGS);
  await arena.progress();
  const until = performance.now() + HOSTILE_MS;
  const seen = new Map<string, Batch>();
  let batches = 0;
  for (let turn = arena.random(DEEDS.length); performance.now() < until; turn++) {
    const deed = DEEDS[turn % DEEDS.length] ?? lateOrStrange;
    const isForOthers = turn % OTHERS_EVERY === 0;
    if (isForOthers) arena.application("a").signal("SIGSTOP");
    const worker = new HostileWorker(arena.run.address("a"), (batch) => {
      seen.set(batch.taskId, batch);
      if (!isForOthers) deed(batch, worker);
    });
    worker.send(hello);
    if (isForOthers) await answerForOthers(arena, worker, seen);
    else await Promise.race([worker.ended, pause(HOLDS_MS + arena.random(HOLDS_MS))]);
    batches += worker.batches.length;
    // Half of them are gone without a word.
    if (!worker.isOver) worker.cancel();
    // One that reads no more does not hear of its end.
    await Promise.race([worker.ended, pause(HOLDS_MS)]);
  }
  arena.notes["hostileBatches"] = batches;
  if (batches < DEEDS.length) throw new Error(`it got ${batches} batches: nothing was shown`);
}

export const HOSTILITY: Faults = {
  "app-malformed": {
    does: "beside a good worker one that lies, breaks frames, answers for others, and says nothing",
    run: hostile,
  },
};
