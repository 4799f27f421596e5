import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import type { Batch } from "../../src/gen/outrigger/v1/processor_pb.ts";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import { assertCountedOnce } from "../support/counted-once.ts";
import {
  counterTopology,
  encoded,
  type Frame,
  HostileWorker,
  type Result,
} from "../support/hostile-worker.ts";
import { Scene } from "../support/scene.ts";
import { eventually } from "../support/sidecar-process.ts";
import { type Input, produce } from "../support/topics.ts";

const RECORDS = 600;
const KEYS = 20;
const MIB = 1024 * 1024;
/** A sidecar at rest has about 120 MB; what waits for a worker that reads nothing is bounded by 64. */
const RSS_MAX = 420 * MIB;
const FUZZED = 150;

/** An answer that no SDK would give, and what the sidecar's log says of it. */
const ANSWERS: Readonly<Record<string, { readonly given: Partial<Result>; said: RegExp }>> = {
  "a row that is not in the batch": {
    given: { outputs: outputs({ inputs: [9_999] }) },
    said: /output 0 names row 9999; rows must ascend and be below \d+/,
  },
  "a sink that is not declared": {
    given: { outputs: outputs({ sinks: [7] }) },
    said: /output 0 names sink 7; the stage has 1/,
  },
  "columns of different lengths": {
    given: { outputs: outputs({ values: [] }) },
    said: /the answer to batch \d+ of task 0_\d/,
  },
  "more rows than the batch has": {
    given: { done: 70_000 },
    said: /it says 70000 rows are done, but the batch has \d+/,
  },
  "fewer rows, and no failure": {
    given: { done: 0 },
    said: /it says 0 of \d+ rows are done and names no failure/,
  },
  "a store that is not declared": {
    given: { mutations: [{ store: 9 }] },
    said: /it changes store 9, which is unknown to the stage or named twice/,
  },
  "a slot that is not there": {
    given: { mutations: [{ store: 0, slots: [5_000], values: [Buffer.from("x")] }] },
    said: /it changes slot 5000; the store has \d+/,
  },
  "a value that its topic refuses": {
    given: { outputs: outputs({ values: [Buffer.alloc(2 * MIB)] }) },
    said: /output 0 for \S+ has \d+ bytes; the limit is/,
  },
};

function outputs(over: NonNullable<Partial<Result>["outputs"]>): Result["outputs"] {
  return { inputs: [0], keys: [Buffer.from("k")], values: [Buffer.from("v")], ...over };
}

/** Frames that break the protocol, and what the worker is told before its stream ends. */
const FRAMES: Readonly<Record<string, { readonly frame: Frame | Buffer; readonly said: RegExp }>> =
  {
    "bytes that are no frame": { frame: Buffer.from("not a frame"), said: /PROTOCOL_VIOLATION/ },
    "an empty frame": { frame: Buffer.alloc(0), said: /PROTOCOL_VIOLATION/ },
    "a second hello": {
      frame: { case: "hello", value: { protocolMinor: 1 } },
      said: /a second hello came; send it once, as the first frame/,
    },
    "a frame above the limit": {
      frame: Buffer.alloc(5 * MIB),
      said: /larger than max|RESOURCE_EXHAUSTED|limit/,
    },
  };

function input(): Input[] {
  return Array.from({ length: RECORDS }, (_, i) => ({ key: `key-${i % KEYS}`, value: `v${i}` }));
}

/** Resident memory of a process, in bytes. */
function residentBytes(pid: number): number {
  const [, kilobytes = "0"] =
    /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1024;
}

// What is hostile does not meet the broker: one is enough, a real Kafka where there is one.
for (const kind of availableBrokers().slice(-1)) {
  describe(`on ${kind.name}`, () => {
    let broker: Broker;
    before(async () => {
      broker = await kind.start();
    });
    after(() => broker.stop());

    test("an application that breaks every rule harms no record, and not the sidecar", async () => {
      const scene = await Scene.make(kind.name, broker, "hostile", {
        "retry.max": 1_000_000,
        "retry.initial.ms": 1,
        "retry.max.delay.ms": 5,
        "processing.timeout.ms": 1_000,
      });
      let largest = 0;
      const watching = setInterval(() => {
        const { sidecar } = scene;
        if (sidecar?.isRunning === true) largest = Math.max(largest, residentBytes(sidecar.pid));
      }, 20);
      try {
        const records = input();
        await produce(scene.kafka, scene.input, records);
        const sidecar = scene.startSidecar();
        await eventually("it listens", () => sidecar.output.includes("listening"), [sidecar]);
        await answersThatLie(scene);
        await framesThatAreNone(scene);
        await answersTooLateAndTwice(scene);
        await neitherReadsNorAnswers(scene);
        await fuzzed(scene);
        scene.startApplication("test/support/apps/counter.js");
        await scene.outputs(RECORDS);
        assert.equal(sidecar.isRunning, true, sidecar.output.slice(-2_000));
        assert.ok(largest < RSS_MAX, `${Math.round(largest / MIB)} MiB were resident`);
        for (const output of await scene.judge()) assertCountedOnce(output, records);
        assert.equal(await sidecar.stop(), "0");
      } finally {
        clearInterval(watching);
        await scene.end();
      }
    });
  });
}

function connect(scene: Scene, took: (batch: Batch, worker: HostileWorker) => void): HostileWorker {
  const worker = new HostileWorker(scene.settings.address, took);
  worker.hello(counterTopology(scene.input, scene.output));
  return worker;
}

/** an answer that does not fit its batch fails a record, by policy; the stream goes on. */
async function answersThatLie(scene: Scene): Promise<void> {
  const said = (pattern: RegExp): boolean => pattern.test(scene.sidecar?.output ?? "");
  for (const [what, { given, said: pattern }] of Object.entries(ANSWERS)) {
    const worker = connect(scene, (batch) => worker.answer(batch, given));
    await eventually(`${what}: ${pattern}`, () => said(pattern), scene.children);
    assert.equal(worker.isOver, false, `${what}: the worker was sent away`);
    worker.cancel();
    await worker.ended;
  }
}

async function framesThatAreNone(scene: Scene): Promise<void> {
  for (const [what, { frame, said }] of Object.entries(FRAMES)) {
    const worker = connect(scene, () => {
      if (Buffer.isBuffer(frame)) worker.raw(frame);
      else worker.send(frame);
    });
    assert.match(await worker.ended, said, what);
  }
}

/** what was taken from a worker is taken once, and not after its time. */
async function answersTooLateAndTwice(scene: Scene): Promise<void> {
  const lie = { outputs: outputs({ values: [Buffer.from("too late")] }) };
  const stranger = connect(scene, (batch) => {
    stranger.answer({ ...batch, taskEpoch: batch.taskEpoch + 7 }, lie);
    stranger.answer({ ...batch, dispatchId: batch.dispatchId + 1_000n }, lie);
    stranger.answer({ ...batch, taskId: "9_9" }, lie);
    stranger.cancel();
  });
  await stranger.ended;
  const second = connect(scene, () => {});
  await eventually("batches", () => second.batches.length > 0, scene.children);
  for (const batch of stranger.batches) second.answer(batch, lie);
  second.cancel();
  await second.ended;
}

/** One that asks and never reads, and one that never answers: sent away, both within bounds. */
async function neitherReadsNorAnswers(scene: Scene): Promise<void> {
  const keys = Array.from({ length: 200 }, (_, i) => Buffer.from(`key-${i}`));
  const deaf = connect(scene, ({ dispatchId, taskEpoch, taskId }) => {
    deaf.stopReading();
    for (let requestId = 1; requestId < 3_000; requestId++) {
      const value = { requestId, dispatchId, taskEpoch, taskId, store: 0, keys };
      deaf.send({ case: "stateRequest", value });
    }
  });
  const silent = connect(scene, () => {});
  const said = (): string => scene.sidecar?.output ?? "";
  const sentAway = (): boolean =>
    /state requests are open|wait unread|processing.timeout/.test(said());
  await eventually("they are sent away", sentAway, scene.children);
  assert.match(await silent.ended, /PROCESSING_TIMEOUT|processing\.timeout\.ms/);
  deaf.cancel();
}

/** Answers with bytes changed here and there: read, or refused; never believed, never fatal. */
async function fuzzed(scene: Scene): Promise<void> {
  let state = 17;
  const random = (bound: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % bound;
  };
  for (let round = 0; round < FUZZED; round++) {
    const worker = connect(scene, (batch) => {
      const { dispatchId, taskEpoch, taskId } = batch;
      // Another task's name: what stays intact by chance must not count.
      const value = { dispatchId, taskEpoch, taskId: `${taskId}x`, done: 3, outputs: outputs({}) };
      const bytes = encoded({ case: "result", value });
      for (let i = 0; i <= random(6); i++) bytes[random(bytes.length)] = random(256);
      worker.raw(bytes.subarray(0, 1 + random(bytes.length)));
      setTimeout(() => worker.cancel(), 5);
    });
    await worker.ended;
    assert.equal(scene.sidecar?.isRunning, true, `round ${round} ended the sidecar`);
  }
}
