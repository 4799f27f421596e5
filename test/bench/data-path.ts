/**
 * The transactional copy (exactly-once v2, 100 ms commits) by our Kafka data path and by Kafka's Java
 * clients: processor time a record, in turns on one broker. Start-up is in neither figure; the last
 * half of each run is the warm one. Every output is counted by the Java consumer.
 *
 *   npm run build && node --import tsx --conditions=@outrigger/source test/bench/data-path.ts \
 *     [--records 3000000] [--rounds 3]
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
    records: { type: "string", default: "3000000" },
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

function warm({ lastHalfMs, lastHalfCpuMs }: Figures): { perRecord: number; rate: number } {
  return { perRecord: (lastHalfCpuMs * 1_000) / (records / 2), rate: records / 2 / lastHalfMs };
}

const ratios: number[] = [];
for (let round = 1; round <= Number(options.rounds); round++) {
  const ours = warm(await run(`ours-${round}`, null, node));
  const theirs = warm(await run(`java-${round}`, "java", [...java, "copy"]));
  const ratio = ours.perRecord / theirs.perRecord;
  ratios.push(ratio);
  const [a, b] = [ours, theirs].map(({ perRecord, rate }) => {
    return `${perRecord.toFixed(2)} µs a record, ${Math.round(rate)} records/ms`;
  });
  process.stdout.write(`round ${round}: ours ${a}; Java ${b}; ratio ${ratio.toFixed(3)}\n`);
}
await admin.disconnect();
await broker.stop();
const median = ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)] ?? Number.NaN;
process.stdout.write(`processor time a record: ${median.toFixed(3)} of Java's\n`);
