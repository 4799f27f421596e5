import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { SDKS, whyNot } from "../conformance/languages.ts";
import {
  compareYardstick,
  differencesOf,
  EXAMPLE,
  flightsInput,
  generatedInput,
} from "../differential/yardstick.ts";
import type { JudgedRecord } from "../support/judges.ts";
import { REPOSITORY_ROOT, whyNoKafka } from "../support/kafka-jars.ts";

/** One screen. */
const LINES_MAX = 45;
const RECORDS = 100_000;

/** The file of the example in this SDK, whatever the language makes of its name. */
function sourceOf(folder: string): string {
  const examples = join(REPOSITORY_ROOT, "clients", folder, "examples");
  const wanted = EXAMPLE.replaceAll("-", "");
  const files = readdirSync(examples, { recursive: true, encoding: "utf8" });
  const found = files.filter((file) => {
    const plain = file.toLowerCase().replaceAll(/[-_]/g, "");
    const isSource = /\.(ts|py|java)$|main\.go$/.test(plain);
    return isSource && plain.includes(wanted);
  });
  assert.equal(found.length, 1, `${folder}: ${found.join(", ")}`);
  return readFileSync(join(examples, found[0] ?? ""), "utf8");
}

test("the yardstick stands on one screen in every SDK", () => {
  for (const { folder } of SDKS) {
    const lines = sourceOf(folder).trimEnd().split("\n").length;
    assert.ok(lines <= LINES_MAX, `${folder}: ${EXAMPLE} has ${lines} lines`);
  }
});

describe("the yardstick is equal to Kafka Streams", { skip: whyNoKafka() ?? false }, () => {
  for (const input of [flightsInput(), generatedInput(RECORDS)]) {
    test(`record by record, on ${input.name}`, async (t) => {
      const languages = SDKS.filter((language) => whyNot(language) === null);
      for (const language of SDKS) {
        const missing = whyNot(language);
        if (missing !== null) t.diagnostic(`NOT PROVED for ${language.name}: ${missing}`);
      }
      for (const [name, found] of await compareYardstick(input, languages)) {
        assert.deepEqual(found.slice(0, 5), [], `${name}: ${found.length} differences`);
      }
    });
  }
});

describe("what is compared", () => {
  const record = (key: string, value: number, offset: number): JudgedRecord => {
    const [topic, partition, timestamp, headers] = ["out", 0, 5, []] as const;
    const bytes = Buffer.from([value]);
    return { topic, partition, offset, timestamp, key: Buffer.from(key), value: bytes, headers };
  };
  const good = [record("a@0", 1, 0), record("a@0", 2, 1), record("a@300000", 1, 2)];
  const planted: readonly (readonly [what: string, records: readonly JudgedRecord[]])[] = [
    ["a lost record", good.slice(1)],
    ["a lost last one", good.slice(0, -1)],
    ["a doubled one", [...good, record("a@300000", 1, 3)]],
    ["two in another order", [good[0], good[2], good[1]].filter((one) => one !== undefined)],
    ["another value", [...good.slice(0, 2), record("a@300000", 2, 2)]],
    ["another time", good.map((one) => ({ ...one, timestamp: 6 }))],
    ["another partition", good.map((one) => ({ ...one, partition: 1 }))],
    ["a header", good.map((one) => ({ ...one, headers: [["h", null]] as const }))],
  ];
  test("equal is equal", () => assert.deepEqual(differencesOf(good, good), []));
  for (const [what, records] of planted) {
    test(`${what} is told`, () => assert.notDeepEqual(differencesOf(records, good), []));
  }
});
