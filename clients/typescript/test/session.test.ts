import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../src/serdes.ts";
import { FakeSidecar, outputsOf, segment, source } from "./fake-sidecar.ts";

/** A processor that waits at each record until it is let go. */
function gated() {
  const sidecar = new FakeSidecar();
  const waiting: { key: string; go: () => void; signal: AbortSignal }[] = [];
  source(sidecar.builder, utf8, utf8)
    .process(
      async ({ key, value }, ctx) => {
        await new Promise<void>((go) => waiting.push({ key, go, signal: ctx.signal }));
        ctx.forward({ key, value });
      },
      { name: "p" },
    )
    .to("topic-out", { key: utf8, value: utf8 }, { name: "out" });
  sidecar.welcome({ entries: ["p"], sinks: ["out"] });
  const go = async (): Promise<string> => {
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const next = waiting.shift();
    next?.go();
    return next?.key ?? "";
  };
  return { sidecar, waiting, go };
}

const rows = (...keys: string[]) => [segment(keys.map((key) => [key, ""] as const))];
/** More turns of the event loop than there are batches. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe("a session", () => {
  it("runs the batches of a task one after the other, those of others beside them", async () => {
    const { sidecar, waiting, go } = gated();
    sidecar.batch({ dispatchId: 1n, segments: rows("a") });
    sidecar.batch({ dispatchId: 2n, segments: rows("b") });
    sidecar.batch({ dispatchId: 3n, taskId: "0_1", segments: rows("c") });
    await settled();
    assert.deepEqual(
      waiting.map(({ key }) => key),
      ["a", "c"],
    );
    await go();
    await go();
    await go();
    const done = [await sidecar.result(0), await sidecar.result(1), await sidecar.result(2)];
    assert.deepEqual(new Set(done.map(({ dispatchId }) => dispatchId)), new Set([1n, 2n, 3n]));
  });

  it("stops a revoked batch at its next record and says no word about it", async () => {
    const { sidecar, waiting, go } = gated();
    sidecar.batch({ dispatchId: 1n, segments: rows("a", "b") });
    sidecar.batch({ dispatchId: 2n, segments: rows("c") });
    sidecar.batch({ dispatchId: 3n, taskEpoch: 2, segments: rows("d") });
    await settled();
    sidecar.revoke(1);
    assert.ok(waiting[0]?.signal.aborted);
    assert.equal(await go(), "a");
    assert.equal(await go(), "d");
    assert.deepEqual(outputsOf(await sidecar.result()), ["0: d="]);
    assert.equal(sidecar.frames.length, 1);
  });

  it("finishes the record at hand when it is stopped, and hands every batch back", async () => {
    const { sidecar, waiting, go } = gated();
    sidecar.batch({ dispatchId: 1n, segments: rows("a", "b") });
    sidecar.batch({ dispatchId: 2n, segments: rows("c") });
    await settled();
    sidecar.session.stop();
    assert.ok(!waiting[0]?.signal.aborted, "the record may finish");
    assert.ok(!sidecar.isIdle);
    sidecar.batch({ dispatchId: 3n, segments: rows("d") });
    await go();
    await sidecar.until(() => sidecar.isIdle);
    assert.deepEqual(sidecar.handedBack, [2n, 3n, 1n]);
    assert.deepEqual(
      sidecar.frames.map((frame) => frame.case),
      ["credit", "handBack", "handBack", "handBack"],
      "first it asks for no more",
    );
    assert.equal(waiting.length, 0, "no record was begun after the stop");
  });

  it("is idle at once when it is stopped with nothing in flight", () => {
    const { sidecar } = gated();
    sidecar.session.stop();
    assert.ok(sidecar.isIdle);
  });

  it("sends nothing once its stream is gone", async () => {
    const { sidecar, waiting, go } = gated();
    sidecar.batch({ segments: rows("a") });
    await settled();
    sidecar.session.close();
    assert.ok(waiting[0]?.signal.aborted);
    await go();
    await settled();
    assert.deepEqual(sidecar.frames, []);
  });

  it("reports a reject with the sidecar's code and words", () => {
    const { sidecar } = gated();
    sidecar.reject("TOPOLOGY_INVALID", "no sink");
    assert.equal(sidecar.rejection?.code, "TOPOLOGY_INVALID");
    assert.match(sidecar.rejection?.message ?? "", /no sink/);
  });

  it("gives up on a sidecar whose batches name what it never announced", async () => {
    const { sidecar } = gated();
    sidecar.batch({ stage: 7, segments: rows("a") });
    await sidecar.until(() => sidecar.rejection !== null);
    assert.match(sidecar.rejection?.message ?? "", /stage 7/);
  });
});
