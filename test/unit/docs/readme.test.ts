import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const PAGES = ["README.md", "clients/typescript/README.md"];

test("the TypeScript that the READMEs show has no type error", () => {
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, "dist/readme-"));
  try {
    for (const [index, page] of PAGES.entries()) {
      const text = readFileSync(join(ROOT, page), "utf8");
      const blocks = [...text.matchAll(/```ts\n([\s\S]*?)```/g)];
      assert.notEqual(blocks.length, 0, `${page} shows no TypeScript`);
      for (const [number, block] of blocks.entries()) {
        writeFileSync(join(folder, `page-${index}-${number}.ts`), block[1] ?? "");
      }
    }
    const config = { extends: "../../tsconfig.json", include: ["*.ts"] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const { stdout } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
    assert.equal(stdout, "");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
