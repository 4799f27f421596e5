import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { REPOSITORY_ROOT, whyNoKafka } from "../../support/kafka-jars.ts";
import { spreadOf } from "./figures.ts";
import { datasetOf, type Ground, type Inputs } from "./ground.ts";
import { measure } from "./measure.ts";
import { buildPrevious, type Previous } from "./previous.ts";
import { MORE_ROUNDS_MS, ROUNDS_MAX, regression, shareMin } from "./regression.ts";
import { withGround } from "./run-all.ts";
import { checkout, type System } from "./systems.ts";
import { WORKLOADS } from "./workloads.ts";

const RECORDS = 200_000;

describe("a ratio to the previous commit", () => {
  test("is open until three rounds are over, and kept by their median", () => {
    assert.equal(regression([], 0), "open");
    assert.equal(regression([1, 1], MORE_ROUNDS_MS), "open");
    assert.equal(regression([0.2, 0.75, 1.1], 0), "kept");
  });
  test("may be less where a commit since says so, in a line of its own", () => {
    assert.equal(shareMin("Faster\n\nOr not.\n"), 0.75);
    assert.equal(shareMin("Expire\n\nThroughput-accepted: 0.5\n\nMore"), 0.5);
    assert.equal(shareMin("Throughput-accepted: 0.9\n"), 0.75);
    assert.equal(regression([0.6, 0.6, 0.6], 0, 0.5), "kept");
  });
  test("is looked at longer where it seems slow, and is slower in the end", () => {
    const slow = Array.from({ length: ROUNDS_MAX }, () => 0.74);
    assert.equal(regression(slow.slice(1), 0), "open");
    assert.equal(regression(slow.slice(1), MORE_ROUNDS_MS), "slower");
    assert.equal(regression(slow, 0), "slower");
    assert.equal(regression([0.74, 0.74, 0.74, 1], 0), "open");
    assert.equal(regression([0.74, 0.74, 0.74, 1, 1, 1], 0), "kept");
  });
});

/** Both in turns, the other one first in each second round. */
async function ratiosOf(
  pair: readonly System[],
  ground: Ground,
  inputs: Inputs,
  least: number,
): Promise<number[]> {
  const workload = WORKLOADS.find(({ name }) => name === "W2");
  assert.ok(workload !== undefined);
  const dataset = datasetOf(ground, workload, RECORDS);
  const input = await inputs.topicOf(workload, RECORDS);
  const ratios: number[] = [];
  const begunMs = performance.now();
  while (regression(ratios, performance.now() - begunMs, least) === "open") {
    const round = ratios.length;
    const rates = new Map<string, number>();
    for (const system of round % 2 === 0 ? pair : pair.toReversed()) {
      rates.set(system.name, await rateOf(system, round));
    }
    ratios.push((rates.get("now") ?? 0) / (rates.get("before") ?? 1));
  }
  return ratios;

  async function rateOf(system: System, round: number): Promise<number> {
    const group = `bench-${round}-${system.name}`;
    assert.ok(workload !== undefined);
    const measured = await measure(ground, system, workload, dataset, [group, input]);
    assert.equal(measured.fault, null, `${system.name}: ${measured.fault}`);
    const rate = measured.figures?.rate;
    assert.ok(rate !== undefined);
    return rate;
  }
}

/** A reason why it cannot be run, as text. */
async function ready(): Promise<(Previous & { readonly system: System }) | string> {
  const previous = buildPrevious();
  if (typeof previous === "string") return previous;
  try {
    return { ...previous, system: await checkout("before", previous.root) };
  } catch (error: unknown) {
    previous.remove();
    return `the application of ${previous.commit} does not build: ${String(error)}`;
  }
}

describe("W2 with an application in TypeScript", { skip: whyNoKafka() ?? false }, () => {
  test("is not slower than at the previous commit", async (context) => {
    const previous = await ready();
    if (typeof previous === "string") {
      process.stdout.write(`NOT PROVED: no throughput was compared, because ${previous}\n`);
      context.skip(previous);
      return;
    }
    const pair = [await checkout("now", REPOSITORY_ROOT), previous.system];
    const least = shareMin(previous.messages);
    let ratios: readonly number[] = [];
    await withGround(42, RECORDS, [], async (ground, inputs) => {
      ratios = await ratiosOf(pair, ground, inputs, least);
    });
    previous.remove();
    const found = spreadOf(ratios);
    assert.ok(found !== null);
    const said = `${found.median.toFixed(2)} (${ratios.map((each) => each.toFixed(2)).join(", ")})`;
    const text = `W2 has ${said} of the throughput at ${previous.commit}, at least ${least}`;
    process.stdout.write(`${text}\n`);
    assert.ok(found.median >= least, text);
  });
});
