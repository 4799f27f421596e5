import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { bundle } from "../../sim/bundle.ts";
import { Loop, Process } from "../../sim/loop.ts";
import { planOf } from "../../sim/plan.ts";
import { Pool } from "../../sim/pool.ts";
import { shrink } from "../../sim/shrink.ts";

let pool: Pool;
before(async () => {
  pool = new Pool(await bundle("unit", []), 2);
});
after(() => pool.close());

test("a seed decides everything: its trace is the same each time", async () => {
  const job = { kind: "seed", seed: "same", tracing: true } as const;
  const [one, two] = await Promise.all([pool.run(job), pool.run(job)]);
  assert.equal(one.violation, null);
  assert.ok(one.trace.length > 50);
  assert.deepEqual(one, two);
});

test("what a paused process has called off does not happen when it goes on", async () => {
  const loop = new Loop();
  const process = new Process("p");
  const happened: string[] = [];
  const timer = loop.after(1, process, () => happened.push("timer"));
  const first = loop.after(1, process, () => {
    happened.push("first");
    late.cancel();
  });
  const late = loop.after(1, process, () => happened.push("late"));
  timer.cancel();
  process.state = "paused";
  loop.after(5, null, () => loop.resume(process));
  assert.equal(await loop.run(() => false, 10), "limit");
  assert.deepEqual(happened, ["first"]);
  first.cancel();
});

test("every plan has 200 records and three faults, and keeps them over JSON", () => {
  for (let seed = 0; seed < 200; seed++) {
    const plan = planOf(String(seed));
    assert.ok(plan.records >= 200 && plan.faults.length >= 3);
    assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
  }
});

test("what fails is made small: faults that it does not need go, then records", async () => {
  const plan = planOf("shrink");
  const needed = plan.faults[1];
  const small = await shrink(plan, async ({ faults, records }) => {
    return faults.some((fault) => fault === needed) && records >= 40;
  });
  assert.deepEqual(small.faults, [needed]);
  assert.ok(small.records >= 40 && small.records < 80);
  assert.equal(small.sidecars, Math.max(1, plan.sidecars - 1));
});
