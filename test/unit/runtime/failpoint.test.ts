import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import type { ApplicationListener } from "../../../src/ports/application.ts";
import { FAILPOINTS, failpoint } from "../../../src/runtime/failpoint.ts";

/** Listens by counting; it has state of its own, which a replaced `this` would not reach. */
class Counting implements ApplicationListener {
  #answers = 0;
  #others = 0;

  get counts(): readonly [answers: number, others: number] {
    return [this.#answers, this.#others];
  }

  answered(): void {
    this.#answers += 1;
  }

  connected = this.#other;
  disconnected = this.#other;
  handedBack = this.#other;
  asked = this.#other;

  credited(): void {
    this.#other();
  }

  #other(): void {
    this.#others += 1;
  }
}

const ANSWER: Parameters<ApplicationListener["answered"]>[1] = {
  taskName: "0_0",
  taskEpoch: 1,
  dispatchId: 1,
  done: 1,
  failure: null,
  outputs: {
    count: 0,
    bytes: Buffer.alloc(0),
    inputs: new Int32Array(),
    sinks: null,
    positions: new Int32Array(),
    timestamps: null,
    headers: null,
  },
  mutations: [],
};

test("without a failpoint nothing stands in between", () => {
  const listener = new Counting();
  for (const none of [undefined, ""]) {
    assert.equal(failpoint(none).applicationListener(listener), listener);
  }
});

test("the process is signalled when it comes to the point for the n-th time, and only then", () => {
  const cases = [
    ["staged:3", "SIGKILL"],
    ["staged:3:stop", "SIGSTOP"],
  ] as const;
  for (const [text, expected] of cases) {
    const signals: [string, number][] = [];
    const listener = new Counting();
    const point = failpoint(text, (signal) => signals.push([signal, listener.counts[0]]));
    const watched = point.applicationListener(listener);
    for (let i = 0; i < 5; i++) watched.answered(1, ANSWER);
    watched.credited(1, 1, 1);
    // After the third answer was taken; before it there would be two.
    assert.deepEqual(signals, [[expected, 3]]);
    assert.deepEqual(listener.counts, [5, 1]);
  }
});

test("a point is hit before or after what it is named for", () => {
  const seen: number[] = [];
  const listener = new Counting();
  const point = failpoint("answered:2", () => seen.push(listener.counts[0]));
  const watched = point.applicationListener(listener);
  for (let i = 0; i < 3; i++) watched.answered(1, ANSWER);
  assert.deepEqual(seen, [1]);
});

test("a failpoint that does not exist is refused, with those that do", () => {
  for (const text of ["nowhere:1", "applying:0", "applying:x", "applying:1:hang", ":1"]) {
    assert.throws(
      () => failpoint(text),
      (error: unknown) => {
        assert.ok(error instanceof OutriggerError);
        assert.equal(error.code, "CONFIG_INVALID");
        assert.ok(error.message.includes(`"${text}"`));
        for (const point of Object.keys(FAILPOINTS)) assert.ok(error.message.includes(point));
        return true;
      },
    );
  }
});
