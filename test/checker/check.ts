import { topicPartitionName } from "../../src/model/topic-partition.ts";
import { type JudgedRecord, readWithLibrdkafka } from "../support/judges.ts";
import { type Conditions, USUAL } from "./conditions.ts";
import { OUTPUTS, STORES } from "./expected.ts";
import { type Facts, readFacts } from "./facts.ts";
import { BETWEEN, GROUPS } from "./regrouped.ts";
import { readTasks } from "./stores.ts";
import { CHANGELOGS, type Verdict, verdictOf } from "./verdict.ts";

export interface CheckOptions {
  readonly bootstrapServers: string;
  /** The prefix of the topics; it is the application id, too. */
  readonly prefix: string;
  /** `state.dir` of each sidecar; none for an application whose stores are not a sidecar's. */
  readonly stateDirs: readonly string[];
  /** Stores with a changelog; those of a sidecar by default. */
  readonly changelogs?: readonly string[];
  readonly conditions?: Conditions;
  /** What a reader has seen of the outputs while they were being written. */
  readonly followed?: () => Promise<readonly JudgedRecord[]>;
  /** How long an open transaction may take to end: the transaction timeout and 20 s. */
  readonly settleMs?: number;
}

const SETTLE_MS = 30_000;

/**
 * Judges what an application did with the workload, once its sidecars are stopped and its input is
 * read to the end. Everything is read by clients that are not ours, to the end, committed; what is
 * expected is computed from the input that was read.
 */
export async function check(options: CheckOptions): Promise<Verdict> {
  const { bootstrapServers, prefix, stateDirs, settleMs = SETTLE_MS } = options;
  const conditions = options.conditions ?? USUAL;
  const changelogs = options.changelogs ?? changelogsOf(conditions);
  const letters = conditions.hasLetters ? ["letters"] : [];
  const between = conditions.regroups === true ? [BETWEEN] : [];
  const outputs = outputsOf(conditions);
  const topics = [
    ...["in", ...outputs, ...letters, ...between].map((name) => `${prefix}-${name}`),
    ...changelogs.map((name) => `${prefix}-${name}-changelog`),
  ];
  const facts = await readFacts(bootstrapServers, prefix, topics, settleMs);
  const tasks = await readTasks(stateDirs, prefix);
  const verdict = verdictOf({ ...facts, tasks }, conditions);
  const other = await readWithLibrdkafka(bootstrapServers, topics);
  if (other !== null) verdict.violations.push(...readerFaults(facts.records, other));
  const followed = await options.followed?.();
  if (followed !== undefined) {
    const names = outputs.map((name) => `${prefix}-${name}`);
    verdict.violations.push(...followerFaults(names, facts, followed));
  }
  return verdict;
}

/** What the application writes, where that is not dead letters. */
export function outputsOf({ regroups = false }: Conditions): readonly string[] {
  return regroups ? [...OUTPUTS, GROUPS] : OUTPUTS;
}

function changelogsOf({ parks, regroups = false }: Conditions): readonly string[] {
  return [...(parks ? [...STORES, "parked"] : CHANGELOGS), ...(regroups ? [GROUPS] : [])];
}

/** I12: two clients see the same records at the same offsets. */
function readerFaults(java: readonly JudgedRecord[], other: readonly JudgedRecord[]): string[] {
  const [one, two] = [java.map(identity).sort(), other.map(identity).sort()];
  const at = one.findIndex((each, i) => two[i] !== each);
  const index = at >= 0 ? at : one.length;
  if (index >= Math.max(one.length, two.length)) return [];
  const text = `the Java client has ${one[index] ?? "nothing"}, librdkafka ${two[index] ?? "nothing"}`;
  return [`I12 committed records differ between clients: ${text}`];
}

/** I2: who read while it was written has seen what stands there now, and nothing else or twice. */
function followerFaults(
  topics: readonly string[],
  { records }: Pick<Facts, "records">,
  followed: readonly JudgedRecord[],
): string[] {
  const outputs = new Set(topics);
  const faults = readerFaults(
    records.filter(({ topic }) => outputs.has(topic)),
    followed,
  );
  return faults.map((fault) => fault.replace("I12", "I2, read as it was written:"));
}

function identity(record: JudgedRecord): string {
  const { offset, key, value } = record;
  return `${topicPartitionName(record)}@${offset} ${key?.toString("hex")} ${value?.toString("hex")}`;
}
