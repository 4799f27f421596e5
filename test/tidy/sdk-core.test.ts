import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const CLIENTS = fileURLToPath(new URL("../../clients/", import.meta.url));
const LINES_MAX = 800;

/**
 * The core of each SDK: connect, handshake, dispatch, reply. Beside it are the builder, serdes, stores,
 * records, tracing, frames in chunks, the codec of batches and results (TypeScript's and Java's outputs
 * are part of it), and generated code.
 */
const CORES: Readonly<Record<string, readonly string[]>> = {
  typescript: ["app", "connection", "session", "batch-run", "errors"].map(
    (name) => `src/${name}.ts`,
  ),
  python: ["app", "connection", "session", "runner", "batch_run", "outputs", "errors"].map(
    (name) => `src/outrigger/${name}.py`,
  ),
  go: ["app", "connection", "session", "batch_run", "outputs", "errors"].map(
    (name) => `${name}.go`,
  ),
  java: [
    ...["Server", "BackOff", "Channels", "SidecarAddress", "Connection", "Session", "HeldBatch"],
    ...["BatchControl", "TaskQueue", "TaskThreads", "BatchRun"],
  ].map((name) => `src/main/java/io/outrigger/${name}.java`),
};

/** Lines of code: what is neither blank, nor a comment, nor an import. */
function linesOf(source: string, isPython: boolean): number {
  const comment = isPython ? /"""[\s\S]*?"""|^\s*#.*$/gm : /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;
  const imports = isPython
    ? /^(?:from \S+ )?import (?:\([\s\S]*?\)|.*)$/gm
    : /^import (?:\([\s\S]*?^\)|[\s\S]*?;$|.*$)|^package .*$/gm;
  const code = source.replaceAll(comment, "").replaceAll(imports, "");
  return code.split("\n").filter((line) => line.trim() !== "").length;
}

describe(`the core of each SDK is under ${LINES_MAX} lines of code by hand`, () => {
  for (const [language, files] of Object.entries(CORES)) {
    test(language, () => {
      const counted = files.map((file) => {
        const source = readFileSync(join(CLIENTS, language, file), "utf8");
        return linesOf(source, language === "python");
      });
      const sum = counted.reduce((all, lines) => all + lines, 0);
      assert.ok(sum < LINES_MAX, `${language} has ${sum}: ${counted.join(" + ")}`);
      assert.ok(sum > LINES_MAX / 3, `${language} has but ${sum}: is a file left out?`);
    });
  }
});

describe("what counts as a line of code", () => {
  test("of languages with braces", () => {
    const source = [
      "package a;",
      'import { a,\n  b } from "c";',
      'import (\n\t"d"\n)',
      "/* x\n y */",
      "// z",
      "",
      "code(); // said",
    ];
    assert.equal(linesOf(source.join("\n"), false), 1);
  });
  test("of Python", () => {
    const source = ['"""Doc\n\nmore"""', "import a", "from a import (\n  b,\n)", "# c", "code()"];
    assert.equal(linesOf(source.join("\n"), true), 1);
  });
});
