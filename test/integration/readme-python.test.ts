import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { SDKS, setUp, whyNot } from "../conformance/languages.ts";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { int64, runPrograms, type Shown } from "../support/readme.ts";
import { Child } from "../support/sidecar-process.ts";

const PAGE = "clients/python/README.md";
const VISITS = {
  from: "visits",
  record: { key: "ada", value: "/" },
  to: "visits-by-user",
  expected: "ada=1",
  read: int64,
};
const SHOWN: readonly Shown[] = [
  { page: "README.md", ...VISITS },
  { page: PAGE, ...VISITS },
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
    to: "named",
    expected: 'o1={"cents":7,"name":"Ada"}',
  },
  {
    page: PAGE,
    from: "orders",
    record: { key: "o1", value: '{"cents":7}' },
    to: "bills",
    expected: "o1=billed",
  },
];

const [python] = SDKS.filter(({ name }) => name === "python");
const skip = python === undefined ? "there is no SDK" : (whyNot(python) ?? false);

test("the Python that the READMEs show runs", { skip }, async () => {
  if (python !== undefined) setUp(python);
  const folder = mkdtempSync(join(tmpdir(), "outrigger-readme-"));
  try {
    await runPrograms("python", SHOWN, (code, index, environment) => {
      const file = join(folder, `program${index}.py`);
      writeFileSync(file, code);
      const command = join(REPOSITORY_ROOT, "clients/python/.venv/bin/python");
      return new Child(`python of block ${index}`, [file], environment, command);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
