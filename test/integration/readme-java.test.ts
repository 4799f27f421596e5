import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { SDKS, setUp, whyNot } from "../conformance/languages.ts";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { blocksOf, int64, runPrograms, type Shown } from "../support/readme.ts";
import { Child } from "../support/sidecar-process.ts";

const PAGE = "clients/java/README.md";
const SHOWN: readonly Shown[] = [
  {
    page: PAGE,
    from: "visits",
    record: { key: "ada", value: "/" },
    to: "visits-by-user",
    expected: "ada=1",
    read: int64,
  },
  {
    page: PAGE,
    from: "orders",
    record: { key: "ada", value: '{"cents":7}', timestamp: 86_400_000 },
    to: "revenue-by-day",
    expected: "ada=1970-01-02T00:00:00Z: 7",
  },
  {
    page: PAGE,
    from: "orders",
    record: { key: "o1", value: '{"cents":7}' },
    to: "bills",
    expected: "o1=billed",
  },
];

const [java] = SDKS.filter(({ name }) => name === "java");
const skip = java === undefined ? "there is no SDK" : (whyNot(java) ?? false);

test("the Java that the READMEs show runs", { skip }, async () => {
  if (java !== undefined) setUp(java);
  const folder = mkdtempSync(join(tmpdir(), "outrigger-readme-"));
  const target = join(REPOSITORY_ROOT, "clients/java/target");
  try {
    await runPrograms("java", SHOWN, (code, index, environment) => {
      const [, name = ""] = /public class (\w+)/.exec(code) ?? [];
      const file = join(folder, String(index), `${name}.java`);
      mkdirSync(join(folder, String(index)));
      writeFileSync(file, code);
      const classes = `${target}/classes:${target}/lib/*`;
      return new Child(`java of block ${index}`, ["-cp", classes, file], environment, "java");
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("the dependency that the README shows is the pom's own", () => {
  const pom = readFileSync(join(REPOSITORY_ROOT, "clients/java/pom.xml"), "utf8");
  const own = ["groupId", "artifactId", "version"].map((name) => {
    const [element] = new RegExp(`^  <${name}>.*</${name}>$`, "m").exec(pom) ?? [];
    return element;
  });
  const [shown, ...more] = blocksOf(PAGE, "xml");
  assert.deepEqual(more, []);
  assert.equal(shown, ["<dependency>", ...own, "</dependency>", ""].join("\n"));
});
