import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { int64, runPrograms, type Shown } from "../support/readme.ts";
import { Child } from "../support/sidecar-process.ts";

const PAGE = "clients/typescript/README.md";
const SHOWN: readonly Shown[] = [
  {
    page: "README.md",
    from: "flights",
    record: { key: "ABQ", value: '{"delay":3}', timestamp: 300_000 },
    to: "departures",
    expected: "ABQ=1 departures since 1970-01-01T00:05:00.000Z",
  },
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
    expected: 'ada={"day":86400000,"cents":7}',
  },
  {
    page: PAGE,
    from: "orders",
    record: { key: "o1", value: '{"cents":7}' },
    to: "bills",
    expected: "o1=billed",
  },
];

test("the TypeScript that the READMEs show runs", async () => {
  // Within the repository, so that a program finds the SDK as a user's would.
  mkdirSync(join(REPOSITORY_ROOT, "dist/test"), { recursive: true });
  const folder = mkdtempSync(join(REPOSITORY_ROOT, "dist/test/readme-"));
  try {
    await runPrograms("ts", SHOWN, (code, index, environment) => {
      const file = join(folder, `program${index}.ts`);
      writeFileSync(file, code);
      const args = ["--import", "tsx", file];
      return new Child(`typescript of block ${index}`, args, environment, process.execPath);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
