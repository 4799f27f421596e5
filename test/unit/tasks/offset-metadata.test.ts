import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  decodeOffsetMetadata,
  encodeOffsetMetadata,
  metadataBytesMax,
} from "../../../src/tasks/offset-metadata.ts";

const plain = { noNullPrototype: true };
const end = fc.record({ topicId: fc.stringMatching(/^[0-9a-f]{32}$/), end: fc.nat() }, plain);
const trial = fc.record(
  { source: fc.nat(), from: fc.nat(), until: fc.maxSafeInteger(), deaths: fc.integer({ min: 1 }) },
  plain,
);
const metadata = fc.record(
  {
    streamTimeMs: fc.maxSafeInteger(),
    commitSequence: fc.nat(),
    changelogs: fc.array(fc.tuple(fc.string(), end)).map((entries) => new Map(entries)),
    trial: fc.option(trial),
    ownTimes: fc
      .array(fc.tuple(fc.string(), fc.maxSafeInteger()), { minLength: 1 })
      .map((entries) => new Map(entries)),
  },
  { ...plain, requiredKeys: ["streamTimeMs", "commitSequence", "changelogs", "trial"] },
);

test("R-5: metadata comes back as it was committed", () => {
  fc.assert(
    fc.property(metadata, (given) => {
      assert.deepEqual(decodeOffsetMetadata(encodeOffsetMetadata(given)), given);
    }),
  );
});

test("R-5: the bound holds for whatever a cut may say", () => {
  fc.assert(
    fc.property(metadata, (given) => {
      const bytes = Buffer.byteLength(encodeOffsetMetadata(given));
      assert.ok(
        bytes <=
          metadataBytesMax([...given.changelogs.keys()], [...(given.ownTimes?.keys() ?? [])]),
      );
    }),
  );
});

test("R-9: metadata of a tool or of another consumer is told apart", () => {
  for (const text of ["", "{}", "[]", "AgAAAYcAAAAA", '["kafka/1",0,0,[]]', "[1"]) {
    assert.equal(decodeOffsetMetadata(text), null);
  }
});
