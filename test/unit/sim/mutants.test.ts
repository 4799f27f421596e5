import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { SCAFFOLD } from "../../checker/mutants.ts";
import { MUTANTS, SCALE } from "../../sim/mutants.ts";
import { EXPIRY_MUTANTS } from "../../sim/mutants-of-expiry.ts";
import { HOOK_MUTANTS } from "../../sim/mutants-of-hooks.ts";
import { HOP_MUTANTS } from "../../sim/mutants-of-hops.ts";
import { OUTCOME_MUTANTS } from "../../sim/mutants-of-outcomes.ts";
import { PARKING_MUTANTS } from "../../sim/mutants-of-parking.ts";
import { REPARTITION_MUTANTS } from "../../sim/mutants-of-repartitions.ts";
import { TIMER_MUTANTS } from "../../sim/mutants-of-timers.ts";

const ROOT = new URL("../../../", import.meta.url);
const all = [
  ...MUTANTS,
  ...OUTCOME_MUTANTS,
  ...PARKING_MUTANTS,
  ...HOOK_MUTANTS,
  ...HOP_MUTANTS,
  ...REPARTITION_MUTANTS,
  ...TIMER_MUTANTS,
  ...EXPIRY_MUTANTS,
  { name: "scale", edits: SCALE },
  { name: "scaffold of the checker", edits: SCAFFOLD },
];

test("what a mutant changes stands in the source exactly once", () => {
  for (const { name, edits } of all) {
    for (const { file, find } of edits) {
      const found = readFileSync(new URL(file, ROOT), "utf8").split(find).length - 1;
      assert.equal(found, 1, `${name}: ${file} has ${found} times:\n${find}`);
    }
  }
});

test("mutants have names of their own", () => {
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
});
