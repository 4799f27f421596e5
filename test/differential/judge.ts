import { type Comparison, compareWithOurs, compareWithStreams } from "./compare.ts";
import { runOurs } from "./ours.ts";
import { MissingCallError } from "./sdk.ts";
import { type KafkaStreams, StreamsError } from "./streams.ts";
import type { Case, Outcome, TimeDifference } from "./topology.ts";

/** Batches of so many records at most: whatever the size, the same comes out. */
const BATCH_SIZES = [1, 7] as const;
const BATCH_SIZE = 500;

export type Verdict =
  | { readonly kind: "passed"; readonly explained: Comparison["explained"] }
  | { readonly kind: "failed"; readonly why: readonly string[] }
  | { readonly kind: "skipped"; readonly why: string };

/** One case by Kafka Streams, and by us with each size of batches. */
export async function judge(one: Case, streams: KafkaStreams): Promise<Verdict> {
  const ours = await attempt(() => runOurs(one, BATCH_SIZE));
  if (ours.error !== null && one.needs !== undefined && isMissing(ours.error)) {
    return { kind: "skipped", why: `${one.needs}: ${ours.error.message}` };
  }
  const theirs = await attempt(() => streams.run(one));
  const found = compared(ours, theirs);
  const among = ours.error === null ? await amongOurs(one, ours.outcome) : [];
  if (one.differs === undefined) {
    const { differences, explained } = await unlessTime(one, found, ours, streams);
    return verdictOf([...differences, ...among], explained);
  }
  const text = `it is to show ${one.differs}, and there is no difference`;
  const missing = found.differences.length === 0 ? [text] : await besides(one, ours, streams);
  return verdictOf([...missing, ...among], new Map([[one.differs, 1]]));
}

const TIME_DIFFERENCES: readonly (readonly TimeDifference[])[] = [["D-2"], ["D-1"], ["D-1", "D-2"]];

/**
 * D-1 and D-2 change what is late, and so everything: what they explain is what there is no difference in
 * where Kafka Streams does them, too.
 */
async function unlessTime(
  one: Case,
  found: Comparison,
  ours: Attempt,
  streams: KafkaStreams,
): Promise<Comparison> {
  if (found.differences.length === 0 || one.isUnseen !== true) return found;
  let last = found;
  for (const as of TIME_DIFFERENCES) {
    last = compared(ours, await attempt(() => streams.run(one, as)));
    if (last.differences.length > 0) continue;
    const explained = new Map(last.explained);
    for (const name of as) explained.set(name, (explained.get(name) ?? 0) + 1);
    return { differences: [], explained };
  }
  const left = last.differences.map((text) => `with D-1 and D-2: ${text}`);
  return { differences: [...found.differences.slice(0, 1), ...left], explained: found.explained };
}

/** What differs yet, where Kafka Streams does what a case is to show: nothing may. */
async function besides(
  one: Case,
  ours: Attempt,
  streams: KafkaStreams,
): Promise<readonly string[]> {
  const as = TIME_DIFFERENCES.find(([name, more]) => name === one.differs && more === undefined);
  // What is held back is held back by timestamps before it is to be had.
  const isHeld = one.nodes.some((node) => "emit" in node || "suppress" in node);
  if (as === undefined || isHeld) return [];
  const { differences } = compared(ours, await attempt(() => streams.run(one, as)));
  return differences.map((text) => `with ${one.differs}: ${text}`);
}

function verdictOf(why: readonly string[], explained: Comparison["explained"]): Verdict {
  return why.length > 0 ? { kind: "failed", why } : { kind: "passed", explained };
}

type Attempt =
  | { readonly outcome: Outcome; readonly error: null }
  | { readonly outcome: null; readonly error: Error };

async function attempt(run: () => Promise<Outcome>): Promise<Attempt> {
  try {
    return { outcome: await run(), error: null };
  } catch (error: unknown) {
    if (!(error instanceof Error)) throw error;
    return { outcome: null, error };
  }
}

function compared(ours: Attempt, theirs: Attempt): Comparison {
  if (ours.error === null && theirs.error === null) {
    return compareWithStreams(ours.outcome, theirs.outcome);
  }
  const said = ({ error }: Attempt, who: string): string[] =>
    error === null ? [] : [`${who} failed: ${error.message}`];
  const differences = [...said(ours, "ours"), ...said(theirs, "Kafka Streams")];
  return { differences, explained: new Map() };
}

async function amongOurs(one: Case, ours: Outcome): Promise<string[]> {
  const found: string[] = [];
  for (const size of BATCH_SIZES) {
    const again = await attempt(() => runOurs(one, size));
    const { differences } =
      again.error === null
        ? compareWithOurs(again.outcome, ours)
        : { differences: [`ours failed: ${again.error.message}`] };
    found.push(...differences.map((text) => `in batches of ${size}: ${text}`));
  }
  return found;
}

/** The SDK lacks the call, or the sidecar refuses the topology: it wakes up when it is built. */
export function isMissing(error: Error): boolean {
  if (error instanceof StreamsError) return false;
  return error instanceof MissingCallError || error.message.includes("TOPOLOGY_INVALID");
}
