import { readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { compileJava } from "../../support/judges.ts";
import { kafkaClassPath } from "../../support/kafka-jars.ts";
import { Child, eventually } from "../../support/sidecar-process.ts";
import type { Shape, Workload } from "./workloads.ts";

/** A JVM of every peer, and of an application in Java. */
export const JVM = ["-Xms256m", "-Xmx1g"] as const;

const LAST_WORDS_MS = 5_000;

/** What makes the input, from which the right output follows: see Dataset.java. */
export interface Dataset {
  readonly records: number;
  readonly baseMs: number;
  readonly seed: number;
  readonly keys: number;
  readonly order: Workload["order"];
  readonly valueBytes: number;
}

/** What the Java consumer read, committed, and what is wrong with it. */
export interface Judged {
  readonly records: number;
  readonly firstMs: number;
  readonly halfMs: number;
  readonly lastMs: number;
  readonly faults: number;
  readonly fault: string | null;
}

/** Arguments of a JVM that runs one of the classes in `java`. */
export async function benchJava(main: string, ...args: readonly string[]): Promise<string[]> {
  const classPath = await kafkaClassPath();
  const folder = join(import.meta.dirname, "java");
  const sources = readdirSync(folder).filter((name) => name.endsWith(".java"));
  const paths = sources.sort().map((name) => join(folder, name));
  const classes = compileJava("side-by-side", paths, classPath);
  return [...JVM, "-cp", `${classes}${delimiter}${classPath}`, main, ...args];
}

async function run(...args: readonly string[]): Promise<Child> {
  const child = new Child("SideBySide", await benchJava("SideBySide", ...args), {}, "java");
  const how = await child.ended();
  if (how === "0") return child;
  throw new Error(`SideBySide ${args.join(" ")} ended with ${how}:\n${child.output.slice(-3_000)}`);
}

/** The last line of a process that has ended, which may be known before its last words are. */
export async function lastLine(child: Child, isIt: RegExp): Promise<string> {
  const found = (): string => child.output.trimEnd().split("\n").at(-1) ?? "";
  await eventually("its last line", () => isIt.test(found()), [child], LAST_WORDS_MS);
  return found();
}

/** As the classes in `java` read it. */
export function datasetText(dataset: Dataset): string {
  const { records, baseMs, seed, keys, order, valueBytes } = dataset;
  return [records, baseMs, seed, keys, order, valueBytes].join(":");
}

/** Sends these records of the dataset; all of them where nothing else is said. */
export async function fill(
  servers: string,
  topic: string,
  dataset: Dataset,
  from = 0,
  to = dataset.records,
): Promise<void> {
  await run("fill", servers, topic, datasetText(dataset), `${from}`, `${to}`);
}

export async function judge(
  servers: string,
  topic: string,
  dataset: Dataset,
  shape: Shape,
): Promise<Judged> {
  const said = await run("judge", servers, topic, datasetText(dataset), shape);
  return JSON.parse(await lastLine(said, /^\{.*\}$/)) as Judged;
}

/** What is said of outputs that are right but for one fault each, by the fault. */
export async function judgePlanted(shape: Shape): Promise<ReadonlyMap<string, string>> {
  const said = await run("planted", shape);
  await lastLine(said, /^foreign: /);
  const lines = said.output.trimEnd().split("\n");
  return new Map(lines.map((line) => [line.split(": ")[0] ?? "", line.replace(/^.*?: /, "")]));
}
