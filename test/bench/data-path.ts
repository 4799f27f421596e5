/**
 * The transactional copy (exactly-once v2, 100 ms commits) by our Kafka data path and by Kafka's Java
 * clients: processor time a record, in turns on one broker: of the whole process, without its start-up, and
 * of the last half, which is warm. Every output is counted by the Java consumer.
 *
 *   npm run build && node --import tsx --conditions=@outrigger/source test/bench/data-path.ts \
 *     [--records 1000000] [--rounds 3]
 */
import assert from "node:assert/strict";
import { delimiter, join } from "node:path";
import { parseArgs } from "node:util";
import { compileJava } from "../support/judges.ts";
import { startKafka } from "../support/kafka-broker.ts";
import { kafkaClassPath, REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { Child } from "../support/sidecar-process.ts";
import { kafkaAt, makeTopics } from "../support/topics.ts";

const { values: options } = parseArgs({
  options: {
    records: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "3" },
  },
});
const records = Number(options.records);
const classPath = await kafkaClassPath();
const source = join(REPOSITORY_ROOT, "test/bench/java/CopyLoop.java");
const classes = compileJava("copy-loop", [source], classPath);
const java = ["-Xms256m", "-Xmx1g", "-cp", `${classes}${delimiter}${classPath}`, "CopyLoop"];
const node = [join(REPOSITORY_ROOT, "dist/test/support/copy-loop.js")];

interface Figures {
  readonly records: number;
  readonly totalCpuMs: number;
  readonly ms: number;
  readonly cpuMs: number;
  readonly lastHalfMs: number;
  readonly lastHalfCpuMs: number;
}

const broker = await startKafka();
const { bootstrapServers } = broker;
const kafka = kafkaAt(bootstrapServers);
const admin = kafka.admin();
await admin.connect();
await makeTopics(kafka, ["in"]);
await finished(
  new Child("fill", [...java, "fill", bootstrapServers, "in", `${records}`], {}, "java"),
);

async function finished(child: Child): Promise<string> {
  const how = await child.ended();
  assert.equal(how, "0", child.output.slice(-3_000));
  return child.output;
}

async function run(
  name: string,
  command: string | null,
  args: readonly string[],
): Promise<Figures> {
  await makeTopics(kafka, [name]);
  const all = [...args, bootstrapServers, "in", name, name, `${records}`];
  const said = await finished(new Child(name, all, {}, command));
  const figures = JSON.parse(said.trim().split("\n").at(-1) ?? "") as Figures;
  assert.equal(figures.records, records);
  const count = [...java, "count", bootstrapServers, name];
  assert.equal(Number(await finished(new Child("count", count, {}, "java"))), records);
  await admin.deleteTopics({ topics: [name] });
  return figures;
}

/** Microseconds of processor time a record: of the whole process, without its start-up, warm. */
function perRecord({ totalCpuMs, cpuMs, lastHalfCpuMs }: Figures): [number, number, number] {
  const each = 1_000 / records;
  return [totalCpuMs * each, cpuMs * each, lastHalfCpuMs * 2 * each];
}

const NAMES = ["whole process", "without start-up", "last half"] as const;
const ratios: number[][] = NAMES.map(() => []);
for (let round = 1; round <= Number(options.rounds); round++) {
  const ours = await run(`ours-${round}`, null, node);
  const theirs = await run(`java-${round}`, "java", [...java, "copy"]);
  const [a, b] = [perRecord(ours), perRecord(theirs)];
  const said = NAMES.map((name, i) => {
    const [x, y] = [a[i] ?? Number.NaN, b[i] ?? Number.NaN];
    ratios[i]?.push(x / y);
    return `${name} ${x.toFixed(2)} : ${y.toFixed(2)} µs`;
  });
  const rates = [ours, theirs].map(({ lastHalfMs }) => Math.round(records / 2 / lastHalfMs));
  process.stdout.write(`round ${round}: ${said.join(", ")}; ${rates.join(" : ")} records/ms\n`);
}
await admin.disconnect();
await broker.stop();
for (const [i, name] of NAMES.entries()) {
  const sorted = ratios[i]?.toSorted((a, b) => a - b) ?? [];
  const [least, median, most] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  const range = `${least?.toFixed(3)} to ${most?.toFixed(3)}`;
  process.stdout.write(`${name}: ${median?.toFixed(3)} of Java's processor time (${range})\n`);
}
