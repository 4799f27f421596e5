import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { whyNoKafka } from "../../support/kafka-jars.ts";
import { judgePlanted } from "./java.ts";

const skip = whyNoKafka() ?? false;

describe("the judge of the benchmark tells a planted fault", { skip }, () => {
  for (const shape of ["W1", "W2", "W3"] as const) {
    test(shape, async () => {
      const told = await judgePlanted(shape);
      assert.equal(told.size, 10);
      for (const [fault, said] of told) {
        if (fault === "none") assert.equal(said, "right");
        else assert.match(said, /^key \d+(?:, window \d)?: |^a key that was never sent/, fault);
      }
    });
  }
});
