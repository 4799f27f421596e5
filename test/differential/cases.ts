import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomData } from "./random-data.ts";
import type { Case, InputSpec, NodeSpec } from "./topology.ts";

/** As it stands in `cases/*.json`: a node without `from` follows the one before it that is no sink. */
interface WrittenCase {
  readonly name: string;
  readonly needs?: string;
  readonly differs?: string;
  /** A name in data.json, or `pair`, or `random`; behind it perhaps `without nulls`. */
  readonly data: string;
  readonly nodes: readonly Readonly<Record<string, unknown>>[];
}

/** Key, value, ms since the epoch, headers. */
type WrittenRecord = readonly [
  key: string | null,
  value: string | null,
  at: number,
  headers?: InputSpec["headers"],
];

const HERE = import.meta.dirname;
const DATA = read<Record<string, WrittenRecord[]>>("data.json");
const RANDOM_SEED = 4711;
const WITHOUT_NULLS = " without nulls";

/** The cases that somebody wrote down. */
export function writtenCases(): Case[] {
  return readdirSync(join(HERE, "cases"))
    .sort()
    .flatMap((file) => read<{ cases: WrittenCase[] }>(`cases/${file}`).cases)
    .map(({ data, nodes, ...rest }) => ({
      ...rest,
      nodes: nodesOf(nodes),
      input: dataOf(data),
    }));
}

/** Takes `needs` off the cases, where they are written down. */
export function awaken(cases: readonly Case[]): void {
  for (const file of readdirSync(join(HERE, "cases"))) {
    const path = join(HERE, "cases", file);
    let text = readFileSync(path, "utf8");
    for (const { name, needs } of cases) {
      const line = `"name": ${JSON.stringify(name)},\n`;
      const next = `      "needs": ${JSON.stringify(needs)},\n`;
      text = text.replace(line + next, line);
    }
    writeFileSync(path, text);
  }
}

/** With what a case leaves out: names, where a node hangs, the topics `in` and `out`. */
function nodesOf(written: WrittenCase["nodes"]): NodeSpec[] {
  let last = "";
  return written.map((node, index) => {
    const id = String(node["id"] ?? `n${index}`);
    const from = node["op"] === "source" ? { topics: ["in"] } : { from: last };
    const topic = node["op"] === "to" ? { topic: "out" } : {};
    if (node["op"] !== "to") last = id;
    return { ...from, ...topic, ...node, id } as unknown as NodeSpec;
  });
}

function dataOf(name: string): InputSpec[] {
  if (name === "random") return randomData(RANDOM_SEED, 200);
  if (name.endsWith(WITHOUT_NULLS)) {
    const all = dataOf(name.slice(0, -WITHOUT_NULLS.length));
    return all.filter(({ key, value }) => key !== null && value !== null);
  }
  if (name !== "pair") return inputOf("in", DATA[name]);
  const others = inputOf("other", DATA["words"]);
  return inputOf("in", DATA["mixed"]).flatMap((record, index) => {
    const other = others[index];
    return other === undefined ? [record] : [record, other];
  });
}

function inputOf(topic: string, records: readonly WrittenRecord[] | undefined): InputSpec[] {
  if (records === undefined) throw new Error("there are no such data");
  return records.map(([key, value, at, headers = []]) => ({ topic, key, value, at, headers }));
}

function read<T>(path: string): T {
  return JSON.parse(readFileSync(join(HERE, path), "utf8")) as T;
}
