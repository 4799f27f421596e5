import assert from "node:assert/strict";
import { it } from "node:test";
import { createApp } from "../src/app.ts";
import { type HookHandler, hookCode } from "../src/hooks.ts";
import { json, utf8 } from "../src/serdes.ts";
import type { Serdes } from "../src/topology.ts";
import { FakeSidecar, outputsOf, segment, source } from "./fake-sidecar.ts";

const SERDES = { key: utf8, value: utf8 } as unknown as Serdes;
const SINK = { key: utf8, value: utf8 };
const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** An application that forwards each record and asks the hook for it, and what the hook was called with. */
function asking(handler: HookHandler<string, string>): FakeSidecar {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .process<string, string>(
      async (record, ctx) => {
        ctx.afterCommit("receipt", `receipt of ${record.value}`);
        await later();
        if (record.value === "bad") throw new Error("refused");
        ctx.forward(record);
      },
      { name: "p" },
    )
    .to("topic-out", SINK, { name: "out" });
  const kind = { case: "hook" as const, value: {} };
  sidecar.builder.addHook({ name: "receipt", kind, serdes: SERDES, code: hookCode(handler) });
  const sources = ["topic", "app-receipt-hook"];
  const stages = [
    { entries: ["p"], sinks: ["out", "receipt"] },
    { entries: ["receipt"], sinks: [] },
  ];
  sidecar.welcomeTo({ sources, stages });
  return sidecar;
}

it("a request is an output to the hook, with the record's key", async () => {
  const sidecar = asking(() => assert.fail("nothing has committed"));
  sidecar.batch({ segments: [segment([["a", "1"]])] });
  const result = await sidecar.result();
  assert.deepEqual(outputsOf(result), ["0: a=receipt of 1", "0: a=1"]);
  assert.deepEqual(result.outputs?.sinks, [1, 0]);
});

it("a record that fails has asked for nothing", async () => {
  const sidecar = asking(() => assert.fail("nothing has committed"));
  const rows = [
    ["a", "1"],
    ["b", "bad"],
  ] as const;
  sidecar.batch({ segments: [segment(rows)] });
  const result = await sidecar.result();
  assert.equal(result.done, 1);
  assert.deepEqual(outputsOf(result), ["0: a=receipt of 1", "0: a=1"]);
});

it("the hook runs on what its own stage brings, under the key of the request", async () => {
  const ran: string[] = [];
  const sidecar = asking(async ({ key, value, topic, idempotencyKey }, { signal }) => {
    await later();
    ran.push(`${key} ${value} ${topic} ${idempotencyKey} ${signal.aborted}`);
  });
  sidecar.batch({ taskId: "1_0", stage: 1, segments: [segment([["a", "r"]], { source: 1 })] });
  const result = await sidecar.result();
  assert.deepEqual([result.done, outputsOf(result)], [1, []]);
  assert.deepEqual(ran, ["a r app-receipt-hook app/app-receipt-hook-0@10 false"]);
});

it("a hook that fails says so under its own name, at once and later", async () => {
  for (const isAsync of [false, true]) {
    const sidecar = asking((_, ctx) => {
      assert.equal(ctx.signal.aborted, false);
      const fail = (): never => {
        throw new TypeError("no mail today");
      };
      return isAsync ? later().then(fail) : fail();
    });
    sidecar.batch({ taskId: "1_0", stage: 1, segments: [segment([["a", "r"]], { source: 1 })] });
    const { done, failure } = await sidecar.result();
    assert.deepEqual([done, failure?.node, failure?.type], [0, "receipt", "TypeError"]);
  }
});

it("a request to a hook that is not declared fails its record, caught or not", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .process<string, string>(
      (record, ctx) => {
        assert.throws(() => ctx.afterCommit("recipt", record.value), /no hook "recipt"/);
      },
      { name: "p" },
    )
    .to("topic-out", SINK, { name: "out" });
  sidecar.welcome({ entries: ["p"], sinks: ["out"] });
  sidecar.batch({ segments: [segment([["a", "1"]])] });
  const { done, failure } = await sidecar.result();
  assert.equal(done, 0);
  assert.match(failure?.message ?? "", /declare it with app\.afterCommit/);
});

it("a hook is declared under every process, with its policy", () => {
  const sidecar = asking(() => {});
  const declared = sidecar.builder.build().nodes.at(-1);
  assert.deepEqual([declared?.name, declared?.parents], ["receipt", ["p"]]);
  assert.equal(declared?.kind.case, "hook");
});

it("a hook that nothing can ask for, or whose name is taken, is refused", () => {
  const sidecar = new FakeSidecar();
  const kind = { case: "hook" as const, value: {} };
  const hook = { name: "receipt", kind, serdes: SERDES, code: hookCode(() => {}) };
  sidecar.builder.addHook(hook);
  assert.throws(() => sidecar.builder.build(), /nothing can ask for the hook "receipt"/);
  assert.throws(() => sidecar.builder.addHook(hook), /two nodes are named "receipt"/);
});

it("the compiler holds the payload against what the hook takes", () => {
  const app = createApp();
  const hook = app.afterCommit("receipt", ({ value }) => void value.amount, {
    key: utf8,
    value: json<{ amount: number }>(),
    failurePolicy: { retry: { max: 2 }, exhausted: "deadLetter" },
  });
  app.stream("in", { key: utf8 }).process((_, ctx) => {
    ctx.afterCommit(hook, { amount: 1 });
    // @ts-expect-error
    ctx.afterCommit(hook, { amount: "1" });
  });
  assert.equal(hook.name, "receipt");
});
