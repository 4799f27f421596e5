import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { SDKS, whyNot } from "../conformance/languages.ts";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { int64, runPrograms, type Shown } from "../support/readme.ts";
import { Child } from "../support/sidecar-process.ts";

const SHOWN: readonly Shown[] = [
  {
    page: "clients/go/README.md",
    from: "visits",
    record: { key: "ada", value: "/" },
    to: "visits-by-user",
    expected: "ada=1",
    read: int64,
  },
  {
    page: "clients/go/README.md",
    from: "orders",
    record: { key: "o1", value: '{"Cents":7}' },
    to: "bills",
    expected: "o1=billed",
  },
];

const [go] = SDKS.filter(({ name }) => name === "go");
const skip = go === undefined ? "there is no SDK" : (whyNot(go) ?? false);

test("the Go that the READMEs show runs", { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-readme-"));
  try {
    await runPrograms("go", SHOWN, (code, index, environment) => {
      const file = join(folder, `program${index}.go`);
      const program = join(folder, `program${index}`);
      writeFileSync(file, code);
      // From within the module, so that its imports are found.
      const { status, stderr } = spawnSync("go", ["build", "-trimpath", "-o", program, file], {
        cwd: join(REPOSITORY_ROOT, "clients/go"),
        encoding: "utf8",
      });
      if (status !== 0) throw new Error(`block ${index} does not compile:\n${stderr}`);
      return new Child(`go of block ${index}`, [], environment, program);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
