import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { BATCH_CASES } from "../conformance/cases/batches.ts";
import { CHUNK_CASES } from "../conformance/cases/chunks.ts";
import { CONNECTION_CASES } from "../conformance/cases/connection.ts";
import { EMITTED_CASES } from "../conformance/cases/emitted.ts";
import { FAILURE_CASES } from "../conformance/cases/failures.ts";
import { HOOK_CASES } from "../conformance/cases/hooks.ts";
import { OPERATION_CASES } from "../conformance/cases/operations.ts";
import { STATE_CASES } from "../conformance/cases/state.ts";
import { TIMER_CASES } from "../conformance/cases/timers.ts";
import { TIMESTAMP_CASES } from "../conformance/cases/timestamps.ts";
import { TOPOLOGY_CASES } from "../conformance/cases/topologies.ts";
import { WINDOW_CASES } from "../conformance/cases/windows.ts";

const ROOT = join(import.meta.dirname, "../..");
const CASES = [
  ...CONNECTION_CASES,
  ...BATCH_CASES,
  ...STATE_CASES,
  ...FAILURE_CASES,
  ...CHUNK_CASES,
  ...HOOK_CASES,
  ...TOPOLOGY_CASES,
  ...OPERATION_CASES,
  ...WINDOW_CASES,
  ...EMITTED_CASES,
  ...TIMESTAMP_CASES,
  ...TIMER_CASES,
];
const page = readFileSync(join(ROOT, "docs/protocol.md"), "utf8");
const requirements = [...page.matchAll(/^- \*\*(P-\d\d)\*\*/gm)].map(([, id = ""]) => id);

/** What the sidecar owes is proved by its own tests: they name the requirement in their title. */
function namedInTitles(): Set<string> {
  const named = new Set<string>();
  for (const folder of ["test/unit", "test/integration"]) {
    for (const entry of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
      if (!entry.endsWith(".test.ts")) continue;
      const source = readFileSync(join(ROOT, folder, entry), "utf8");
      for (const [title] of source.matchAll(/\b(?:test|it|describe)\(\s*["`].*/g)) {
        for (const [id] of title.matchAll(/\bP-\d\d\b/g)) named.add(id);
      }
    }
  }
  return named;
}

describe("the protocol's page and its proofs", () => {
  test("each requirement has one id of its own", () => {
    assert.ok(requirements.length > 40);
    assert.equal(new Set(requirements).size, requirements.length);
  });
  test("each requirement is proved by a conformance case or by a test of the sidecar", () => {
    const proved = new Set([...CASES.flatMap(({ proves }) => proves), ...namedInTitles()]);
    const open = requirements.filter((id) => !proved.has(id));
    assert.deepEqual(open, []);
  });
  test("each case has an id of its own, and proves requirements that there are", () => {
    const ids = CASES.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const { id, proves } of CASES) {
      assert.ok(proves.length > 0, `${id} proves nothing`);
      for (const one of proves) assert.ok(requirements.includes(one), `${id} proves ${one}`);
    }
  });
});

test("every SDK's generated code is of the proto files as they are", async () => {
  // Plain JavaScript, so that the SDKs' scripts run it with Node alone.
  const path = "../../scripts/proto-fingerprint.mjs";
  const { protoFingerprint } = (await import(path)) as { protoFingerprint: () => string };
  const notes = {
    python: "clients/python/src/outrigger/gen",
    go: "clients/go/internal/gen",
    java: "clients/java/src/main/java/io/outrigger/gen",
  };
  for (const [language, folder] of Object.entries(notes)) {
    const noted = readFileSync(join(ROOT, folder, "PROTO_SHA256"), "utf8").trim();
    const advice = `proto/ has changed: run clients/${language}/scripts/generate.sh`;
    assert.equal(noted, protoFingerprint(), advice);
  }
});
