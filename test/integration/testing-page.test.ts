import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { SDKS, setUp, whyNot } from "../conformance/languages.ts";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { blocksOf } from "../support/readme.ts";

const PAGE = "docs/testing-your-app.md";
const CLIENTS = join(REPOSITORY_ROOT, "clients");
const OUTRIGGER_BIN = join(REPOSITORY_ROOT, "dist/src/main.js");

/** How a language's own test framework runs the page's one block, and what it says of it. */
interface Framework {
  readonly language: string;
  readonly block: string;
  readonly folder: () => string;
  readonly file: string;
  readonly run: (file: string) => readonly [command: string, ...args: string[]];
  readonly directory: string;
  readonly says: RegExp;
}

const FRAMEWORKS: readonly Framework[] = [
  {
    language: "typescript",
    block: "ts",
    // Within the repository, so that the test finds the SDK as a user's would.
    folder: () => {
      mkdirSync(join(REPOSITORY_ROOT, "dist/test"), { recursive: true });
      return mkdtempSync(join(REPOSITORY_ROOT, "dist/test/page-"));
    },
    file: "departures.test.ts",
    run: (file) => [process.execPath, "--import", "tsx", "--test", "--test-reporter=tap", file],
    directory: REPOSITORY_ROOT,
    says: /^# pass 1$/m,
  },
  {
    language: "python",
    block: "python",
    folder: () => mkdtempSync(join(tmpdir(), "outrigger-page-")),
    file: "test_departures.py",
    run: (file) => [join(CLIENTS, "python/.venv/bin/python"), "-m", "pytest", file],
    directory: tmpdir(),
    says: /\b2 passed\b/,
  },
  {
    language: "go",
    block: "go",
    folder: () => mkdtempSync(join(tmpdir(), "outrigger-page-")),
    file: "departures_test.go",
    run: (file) => ["go", "test", "-v", "-count=1", file],
    directory: join(CLIENTS, "go"),
    says: /^--- PASS: TestDeparturesAreCountedByMinute/m,
  },
];

describe("what the page about testing shows runs in its language's own test framework", () => {
  for (const framework of FRAMEWORKS) {
    const { language, block, file, directory, says } = framework;
    const sdk = SDKS.find(({ name }) => name === language);
    const skip = sdk === undefined ? "there is no SDK" : (whyNot(sdk) ?? false);
    test(language, { skip }, async () => {
      if (sdk !== undefined) setUp(sdk);
      const [code, ...others] = blocksOf(PAGE, block);
      assert.ok(code !== undefined && others.length === 0, `${PAGE} has one block in ${language}`);
      const folder = framework.folder();
      try {
        const path = join(folder, file);
        writeFileSync(path, code);
        const { exitCode, said } = await output(framework.run(path), directory);
        assert.equal(exitCode, 0, said);
        assert.match(said, says);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
  test("java: the page shows a test that the SDK's own run", () => {
    const own = "java/src/test/java/departures/DeparturesTest.java";
    assert.deepEqual(blocksOf(PAGE, "java"), [readFileSync(join(CLIENTS, own), "utf8")]);
  });
});

async function output(
  [command, ...args]: readonly [string, ...string[]],
  cwd: string,
): Promise<{ exitCode: unknown; said: string }> {
  // A test runner within a test runner takes the outer one's orders, and says nothing.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(command, args, {
    cwd,
    env: { ...env, OUTRIGGER_BIN },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text: Buffer) => {
      said += text.toString();
    });
  }
  const exitCode = await new Promise((resolve) => child.on("close", resolve));
  return { exitCode, said };
}
