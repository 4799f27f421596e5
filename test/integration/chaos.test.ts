import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { faultsNamed } from "../chaos/faults.ts";
import { type Ground, startGround } from "../chaos/ground.ts";
import { suffer } from "../chaos/rig.ts";
import { REPOSITORY_ROOT, whyNoKafka } from "../support/kafka-jars.ts";

const MAIN = join(REPOSITORY_ROOT, "dist/src/main.js");
/** The quickest of each kind; `npm run chaos` has all. */
const SMOKE = "kill-endSent,app-killed,lost-TxnOffsetCommit,record-fails,regroup-within-of-2";
const SEED = 1;
const missing = whyNoKafka();

describe("the chaos rig", { skip: missing ?? false }, () => {
  let ground: Ground;
  before(async () => {
    ground = await startGround(MAIN);
  });
  after(() => ground.end());

  for (const [name, fault] of faultsNamed(SMOKE)) {
    test(`nothing is lost or doubled: ${fault.does}`, async () => {
      const { violations } = await suffer(ground, name, fault, `smoke-${name}`, SEED);
      assert.deepEqual(violations, []);
    });
  }
});
