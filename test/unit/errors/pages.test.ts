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

it("each code has a remedy of one sentence, and each page says at length what to do", () => {
  for (const [code, { remedy }] of Object.entries(catalog)) {
    assert.match(remedy, /^[A-Z].{10,100}\.$/, code);
    const page = readFileSync(new URL(`${code}.md`, folder), "utf8");
    for (const section of page.split(/\n## .*\n/).slice(1)) {
      assert.ok(section.trim().length > 15, `${code} has an empty section`);
    }
  }
});

it("each error that the source throws has a code of the catalog and says more than a word", () => {
  const thrown = sources().flatMap(([file, text]) =>
    [...text.matchAll(/OutriggerError\(\s*"(\w+)",\s*(["`])((?:(?!\2).)*)/g)].map((match) => {
      return { file, code: match[1] ?? "", words: match[3] ?? "" };
    }),
  );
  assert.ok(thrown.length > 40, `${thrown.length} were found`);
  const codes = new Set(Object.keys(catalog));
  for (const { file, code, words } of thrown) {
    assert.ok(codes.has(code), `${file}: ${code}`);
    // What a template puts in was said elsewhere.
    const isEnough = words.includes("${") || words.split(" ").length >= 3;
    assert.ok(isEnough || INNER.includes(words), `${file}: ${words}`);
  }
});

/** Ends waits within a client that is closed: nobody reads it. */
const INNER = ["closing"];

function sources(): [string, string][] {
  const root = new URL("../../../src/", import.meta.url);
  return readdirSync(root, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => [file, readFileSync(new URL(file, root), "utf8")]);
}
