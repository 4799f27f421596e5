import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { it } from "node:test";
import { catalog } from "../../../src/errors/catalog.ts";

const folder = new URL("../../../docs/errors/", import.meta.url);

it("each code has a page and each page a code", () => {
  const pages = readdirSync(folder).map((name) => name.replace(/\.md$/, ""));
  assert.deepEqual(pages.toSorted(), Object.keys(catalog).toSorted());
});

it("each page opens with the catalog's sentence and answers three questions", () => {
  for (const [code, { summary }] of Object.entries(catalog)) {
    const page = readFileSync(new URL(`${code}.md`, folder), "utf8");
    assert.ok(page.startsWith(`# ${code}\n\n${summary}\n`), code);
    for (const question of ["What happened", "Is anything lost?", "What to do"]) {
      assert.ok(page.includes(`\n## ${question}\n`), `${code}: ${question}`);
    }
  }
});
