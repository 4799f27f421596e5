import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import type { Batch } from "../../src/gen/outrigger/v1/processor_pb.ts";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import { assertCountedOnce } from "../support/counted-once.ts";
import { counterTopology, encoded, type Frame, HostileWorker } from "../support/hostile-worker.ts";
import { ANSWERS, FRAMES, outputs } from "../support/lies.ts";
import { Scene } from "../support/scene.ts";
import { eventually } from "../support/sidecar-process.ts";
import { type Input, produce } from "../support/topics.ts";

const RECORDS = 600;
const KEYS = 20;
const MIB = 1024 * 1024;
/** A sidecar at rest has about 120 MB; what waits for a worker that reads nothing is bounded by 64. */
const RSS_MAX = 420 * MIB;
const FUZZED = 150;

const chunk = (data: Uint8Array, last = false): Frame => ({ case: "chunk", value: { data, last } });
const HANDED_BACK = { case: "handBack" as const, value: { taskId: "9_9" } };

/** Chunks that break the protocol; the last of them is sent again and again. */
const CHUNKS: Readonly<Record<string, { readonly frames: readonly Frame[]; said: RegExp }>> = {
  "chunks without an end": {
    frames: [chunk(Buffer.alloc(3 * MIB))],
    said: /PROTOCOL_VIOLATION.* 16777216 were agreed on as max_message_bytes/,
  },
  "a chunk that another frame follows": {
    frames: [chunk(Buffer.alloc(MIB)), HANDED_BACK],
    said: /PROTOCOL_VIOLATION.*another frame came after 1048576 bytes/,
  },
  "empty chunks": { frames: [chunk(Buffer.alloc(0))], said: /PROTOCOL_VIOLATION.*holds 0 bytes/ },
  "chunks of a byte": {
    frames: [chunk(Buffer.alloc(1))],
    said: /PROTOCOL_VIOLATION.*holds 1 bytes/,
  },
  "a chunk of a chunk": {
    frames: [chunk(encoded(chunk(Buffer.alloc(9), true)), true)],
    said: /PROTOCOL_VIOLATION.*cut a frame once/,
  },
  "chunks that are no frame": {
    frames: [chunk(Buffer.alloc(MIB, 0xff)), chunk(Buffer.alloc(9, 0xff), true)],
    said: /PROTOCOL_VIOLATION.*a frame is no outrigger/,
  },
};
/** Of them; a worker that is not sent away by then never is. */
const CHUNKS_MAX = 8;

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
        "server.max.message.bytes": 16 * MIB,
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
        await chunksThatAreNone(scene);
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

/** P-57: one frame in chunks is held at most, within its bound, and of nobody who has left. */
async function chunksThatAreNone(scene: Scene): Promise<void> {
  const topology = counterTopology(scene.input, scene.output);
  for (const [what, { frames, said }] of Object.entries(CHUNKS)) {
    const worker = new HostileWorker(scene.settings.address, () => {
      for (let sent = 0; sent < CHUNKS_MAX; sent++) {
        worker.send(frames[Math.min(sent, frames.length - 1)] as Frame);
      }
    });
    worker.helloWithChunks(topology);
    assert.match(await worker.ended, said, what);
  }
  for (let leaver = 0; leaver < 10; leaver++) {
    const worker = new HostileWorker(scene.settings.address, () => {
      for (let sent = 0; sent < 5; sent++) worker.send(chunk(Buffer.alloc(3 * MIB)));
      setTimeout(() => worker.cancel(), 20);
    });
    worker.helloWithChunks(topology);
    await worker.ended;
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
  const damaged = (bytes: Buffer): Buffer => {
    for (let i = 0; i <= random(6); i++) bytes[random(bytes.length)] = random(256);
    return bytes.subarray(0, 1 + random(bytes.length));
  };
  for (let round = 0; round < FUZZED; round++) {
    const isChunked = round % 3 === 0;
    const worker = new HostileWorker(scene.settings.address, (batch) => {
      const { dispatchId, taskEpoch, taskId } = batch;
      // Another task's name: what stays intact by chance must not count.
      const name = { dispatchId, taskEpoch, taskId: `${taskId}x` };
      const values = isChunked ? [Buffer.alloc(MIB / 4, round)] : [Buffer.from("v")];
      const bytes = encoded({
        case: "result",
        value: { ...name, done: 3, outputs: outputs({ values }) },
      });
      // The frame is damaged, or one of its chunks, or their order.
      const cuts = isChunked ? [0, 70_000, 140_000, bytes.length] : [];
      if (!isChunked || random(2) === 0) worker.raw(damaged(bytes));
      for (let i = 0; i + 1 < cuts.length; i++) {
        const from = cuts[random(4) === 0 ? random(cuts.length - 1) : i] ?? 0;
        const one = encoded(chunk(bytes.subarray(from, cuts[i + 1]), i + 2 === cuts.length));
        worker.raw(random(3) === 0 ? damaged(one) : one);
      }
      setTimeout(() => worker.cancel(), 5);
    });
    const topology = counterTopology(scene.input, scene.output);
    if (isChunked) worker.helloWithChunks(topology);
    else worker.hello(topology);
    await worker.ended;
    assert.equal(scene.sidecar?.isRunning, true, `round ${round} ended the sidecar`);
  }
}
