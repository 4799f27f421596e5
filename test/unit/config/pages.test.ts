import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { configurationPage, configurationSchema } from "../../../src/config/pages.ts";
import { configKeys } from "../../../src/config/schema.ts";
import { shown } from "../../../src/config/secrets.ts";

const STALE = "stale: run `node --import tsx scripts/generate-docs.ts`";

function file(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
}

it("docs/configuration.md is what the schema says", () => {
  assert.ok(file("docs/configuration.md") === configurationPage(), STALE);
});

it("config.schema.json is what the schema says, and knows every key", () => {
  const text = file("config.schema.json");
  assert.ok(text === configurationSchema(), STALE);
  const parsed: { properties: object } = JSON.parse(text);
  assert.deepEqual(Object.keys(parsed.properties), [...configKeys]);
});

it("what is called a secret is never shown", () => {
  assert.equal(shown("sasl.password", "hunter2"), "***");
  assert.equal(shown("sasl.jaas.config", "x"), "***");
  assert.equal(shown("server.token", "x"), "***");
  assert.equal(shown("retry.max", 3), "3");
});
