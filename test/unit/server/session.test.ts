import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { decodeRequest } from "../../../src/server/frames.ts";
import { batchOf, HELLO, helloOf, QUESTION, type RequestInit, Stage } from "./stage.ts";

describe("the handshake", () => {
  it("is a hello, the kernel's verdict, and a welcome of the version that both speak", () => {
    const stage = new Stage().serve({ protocolMinor: 9, applicationId: "a" });
    assert.deepEqual(stage.told, ["connected"]);
    const [welcome] = stage.sent;
    assert.ok(welcome?.case === "welcome");
    assert.equal(welcome.value.protocolMinor, 6);
    assert.equal(welcome.value.applicationId, "app");
    assert.deepEqual(welcome.value.sources, ["in"]);
    assert.equal(stage.hellos[0]?.applicationId, "a");
  });

  it("refuses a version that it does not speak, naming both sides'", () => {
    const stage = new Stage();
    stage.receive({ case: "hello", value: helloOf({ protocolMinor: 0 }) });
    assert.match(stage.rejection, /^PROTOCOL_VERSION: .*minor version 0, this sidecar 1 to 6/);
    assert.deepEqual(
      stage.told.filter((line) => line === "connected"),
      [],
    );
  });

  it("refuses any other first frame, a hello without topology, frames too small for a batch", () => {
    for (const [frame, words] of [
      [{ case: "handBack", value: {} }, /first frame is handBack/],
      [{ case: "result", value: {} }, /first frame is result/],
      [{ case: "hello", value: { protocolMinor: 1 } }, /TOPOLOGY_INVALID: .*no topology/],
      [{ case: "hello", value: helloOf({ maxFrameBytes: 99 }) }, /99 bytes/],
    ] satisfies [RequestInit, RegExp][]) {
      const stage = new Stage();
      stage.receive(frame);
      assert.match(stage.rejection, words);
    }
  });

  it("refuses frames before the welcome, and a second hello after it", () => {
    const early = new Stage();
    early.receive(HELLO);
    early.receive({ case: "credit", value: {} });
    assert.match(early.rejection, /credit came before the welcome/);
    const twice = new Stage().serve();
    twice.receive(HELLO);
    assert.match(twice.rejection, /second hello/);
  });

  it("grants default credit where none is asked for, and bounds what is", () => {
    const [plain] = new Stage().serve().hellos;
    assert.deepEqual([plain?.creditBatches, plain?.creditBytes], [6, 2 * 1024 * 1024]);
    const greedy = { batches: 1_000_000, bytes: 2 ** 32 - 1 };
    const [bounded] = new Stage().serve({ credit: greedy }).hellos;
    assert.deepEqual([bounded?.creditBatches, bounded?.creditBytes], [64, 32 * 1024 * 1024]);
  });

  it("lets the kernel reject a worker while it is told of it", () => {
    const stage = new Stage();
    stage.onConnected = () =>
      stage.session.reject(new OutriggerError("TOPOLOGY_MISMATCH", "another topology"));
    stage.receive(HELLO);
    assert.equal(stage.rejection, "TOPOLOGY_MISMATCH: another topology");
    assert.equal(stage.told.at(-1), "closed known=true TOPOLOGY_MISMATCH: another topology");
  });
});

describe("a worker that serves", () => {
  it("has its frames told one by one", () => {
    const stage = new Stage().serve();
    stage.receive({ case: "result", value: { dispatchId: 7n } });
    stage.receive({ case: "handBack", value: { taskId: "0_2", taskEpoch: 3, dispatchId: 4n } });
    stage.receive({ case: "credit", value: { batches: 2, bytes: 100 } });
    stage.receive({ case: "stateRequest", value: { ...QUESTION, requestId: 6, store: 1 } });
    stage.receive({ case: "log", value: { severity: 13, message: "careful" } });
    assert.deepEqual(stage.told.slice(1), [
      "answered 7 done",
      "handedBack 0_2 3 4",
      "credited 2 100",
      "asked 6 1 1 k",
      "warn careful",
    ]);
  });

  it("gets state with what is absent kept apart from what is empty, or the reason", () => {
    const stage = new Stage().serve();
    for (const requestId of [1, 2]) {
      stage.receive({ case: "stateRequest", value: { ...QUESTION, requestId } });
    }
    const error = new OutriggerError("MEMBERSHIP_LOST", "the task has left");
    stage.session.answerState(1, { kind: "values", values: [null, Buffer.alloc(0)] });
    stage.session.answerState(2, { kind: "refused", error });
    const [, found, refused] = stage.sent;
    assert.ok(found?.case === "stateResponse" && refused?.case === "stateResponse");
    assert.deepEqual(found.value.absent, [0]);
    assert.equal(found.value.values.length, 2);
    assert.equal(refused.value.error, "the task has left");
  });

  it("asks for a range with what it has written, and gets a page", () => {
    const stage = new Stage().serve();
    const range = { from: Buffer.of(1), reverse: true, limit: 5 };
    const written = {
      slots: [3],
      keys: [Buffer.of(2)],
      values: [Buffer.of(7), Buffer.of()],
      deletes: [1],
    };
    stage.receive({
      case: "stateRequest",
      value: { ...QUESTION, requestId: 1, keys: [], range, written },
    });
    const asked = JSON.parse(stage.told.at(-1)?.replace(/^asked 1 0 /, "") ?? "") as {
      [field: string]: unknown;
    };
    assert.deepEqual(
      { from: asked["from"], to: asked["to"], reverse: asked["reverse"], slots: asked["slots"] },
      { from: { type: "Buffer", data: [1] }, to: null, reverse: true, slots: [3] },
    );
    assert.deepEqual(asked["values"], [{ type: "Buffer", data: [7] }, null]);
    assert.equal((asked["limits"] as { entriesMax: number }).entriesMax, 5);
    const page = { keys: [Buffer.of(9)], values: [Buffer.of(8)], more: true };
    stage.session.answerState(1, { kind: "page", page });
    const answer = stage.sent.at(-1);
    assert.ok(answer?.case === "stateResponse" && answer.value.more);
    assert.deepEqual([...(answer.value.keys[0] ?? [])], [9]);
  });

  it("is rejected for a range that is asked for together with keys, or whose writes do not add up", () => {
    for (const over of [
      { keys: [Buffer.of(1)], range: {} },
      { keys: [], range: {}, written: { slots: [1] } },
    ]) {
      const stage = new Stage().serve();
      stage.receive({ case: "stateRequest", value: { ...QUESTION, requestId: 1, ...over } });
      assert.match(stage.rejection, /^PROTOCOL_VIOLATION/);
    }
  });

  it("is rejected for a request id that is still open", () => {
    const stage = new Stage().serve();
    stage.receive({ case: "stateRequest", value: { ...QUESTION, requestId: 1 } });
    stage.receive({ case: "stateRequest", value: { ...QUESTION, requestId: 1 } });
    assert.match(stage.rejection, /state request 1 is open/);
  });

  it("is rejected for bytes that are no frame, and heard no more", () => {
    const stage = new Stage().serve();
    stage.session.received(decodeRequest(Buffer.from([0xff])));
    assert.match(stage.rejection, /^PROTOCOL_VIOLATION: a frame is no outrigger\.v1/);
    const { length } = stage.told;
    stage.receive({ case: "handBack", value: {} });
    assert.equal(stage.told.length, length);
  });

  it("has the bytes of a batch used again when they are written, and not before", () => {
    const stage = new Stage().serve();
    const places = [0, 1, 2].map((turn) => {
      stage.session.dispatch(batchOf(10_000));
      const frame = stage.written[turn]?.frame;
      assert.ok(frame !== undefined);
      if (turn === 1) stage.written[0]?.done();
      return frame.buffer;
    });
    assert.notEqual(places[0], places[1]);
    assert.equal(places[0], places[2]);
    // What the worker does not take at once waits, and has its bytes until it is taken.
    stage.takes = false;
    stage.session.dispatch(batchOf(10_000));
    stage.session.dispatch(batchOf(10_000));
    assert.equal(stage.written.length, 4);
    stage.takes = true;
    stage.session.drained();
    assert.equal(stage.written.length, 5);
  });

  it("has a batch fail that is larger than what it receives, after the call that sent it", async () => {
    const stage = new Stage().serve({ maxFrameBytes: 1024 * 1024 });
    const bytes = stage.session.dispatch(batchOf(1024 * 1024));
    assert.ok(bytes > 1024 * 1024);
    assert.ok(!stage.told.includes("answered 8 FRAME_TOO_LARGE"));
    await Promise.resolve();
    assert.ok(stage.told.includes("answered 8 FRAME_TOO_LARGE"));
    assert.equal(stage.sent.length, 1);
  });

  it("gets what it was too slow for once it reads again, in order", () => {
    const stage = new Stage().serve();
    stage.takes = false;
    for (const epoch of [1, 2, 3]) stage.session.revoke("0_0", epoch);
    assert.equal(stage.sent.length, 2);
    stage.takes = true;
    stage.session.drained();
    const epochs = stage.sent.map((frame) => frame.case === "revoked" && frame.value.taskEpoch);
    assert.deepEqual(epochs, [false, 1, 2, 3]);
  });

  it("is rejected when it does not read at all", () => {
    const stage = new Stage().serve();
    stage.takes = false;
    for (let sent = 0; sent < 70 && !stage.isEnded; sent++) {
      stage.session.dispatch(batchOf(1024 * 1024));
    }
    assert.match(stage.rejection, /wait unread/);
  });
});
