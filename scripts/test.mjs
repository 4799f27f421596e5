// `npm test`: set-up, check, the integration tests on the brokers that this machine can run, operations,
// a smoke of the Kafka suite, the benchmark's own tests, the simulator, the comparison with Kafka
// Streams, then the conformance of every SDK whose language it has. `--integration`, `--ops`, `--kafka`
// and `--bench` run only what their names say, the Kafka suite as a whole.
import { spawn } from "node:child_process";
import { add, closingLine, runTests } from "./run-tests.mjs";
import { ensureBuilt, ensureInstalled, ROOT } from "./setup.mjs";

const FOLDERS = {
  integration: ["test/integration", "clients/typescript/test/driver"],
  ops: ["test/ops"],
  kafka: ["test/kafka-suite"],
  bench: ["test/bench"],
};
/** The line after the pinned one, and what is run on its brokers too; its jars have a lock file. */
const LATER_KAFKA = "4.4.0";
const ON_LATER_KAFKA = [
  "cluster.test.ts",
  "lost-answers.smoke.test.ts",
  "lost-markers.smoke.test.ts",
  "members.test.ts",
];
const asked = Object.keys(FOLDERS).filter((suite) => process.argv.includes(`--${suite}`));

function sumsOf(output) {
  const lines = output.trimEnd().split("\n");
  const [, passed, failed, skipped] =
    /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/.exec(lines.at(-1) ?? "") ?? [];
  if (passed === undefined) return { passed: 0, failed: 1, skipped: 0 };
  return { passed: Number(passed), failed: Number(failed), skipped: Number(skipped ?? 0) };
}

/** Another command of ours, shown as it goes; the sums of its last line. */
function command(script, ...args) {
  const child = spawn(process.execPath, [`scripts/${script}`, ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text) => {
    output += text;
    process.stdout.write(text);
  });
  return new Promise((resolve) => child.on("close", () => resolve(sumsOf(output))));
}

ensureInstalled();
ensureBuilt();
const isWhole = asked.length === 0;
let sums = { passed: 0, failed: 0, skipped: 0 };
if (isWhole) sums = add(sums, await command("check.mjs"));
for (const suite of isWhole ? Object.keys(FOLDERS) : asked) {
  const suffix = isWhole && suite === "kafka" ? ".smoke.test.ts" : ".test.ts";
  sums = add(sums, await runTests(FOLDERS[suite], { concurrency: 1, suffix }));
  if (suite !== "kafka" || isWhole) continue;
  process.stdout.write(`\nOn brokers of Apache Kafka ${LATER_KAFKA}:\n`);
  process.env.OUTRIGGER_TEST_KAFKA = LATER_KAFKA;
  sums = add(
    sums,
    await runTests(
      ON_LATER_KAFKA.map((name) => `${FOLDERS.kafka[0]}/${name}`),
      {},
    ),
  );
  delete process.env.OUTRIGGER_TEST_KAFKA;
}
if (isWhole) sums = add(sums, await command("sim.mjs", "--seeds", "2000"));
if (isWhole) sums = add(sums, await command("differential.mjs"));
if (isWhole) sums = add(sums, await command("conformance.mjs", "all"));
process.stdout.write(`${closingLine(sums)}\n`);
process.exit(sums.failed > 0 ? 1 : 0);
