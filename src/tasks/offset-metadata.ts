import type { StoreKind } from "../model/topology.ts";
import type { Trial } from "./trial.ts";

/**
 * What travels as metadata of a committed offset: stream time as of the cut's last record,
 * the commit sequence, and each changelog's end after the cut, with the topic id it belongs to.
 */
export interface OffsetMetadata {
  readonly streamTimeMs: number;
  /** Stream time of the stores that have their own, by name; left out where none has. */
  readonly ownTimes?: ReadonlyMap<string, number>;
  readonly commitSequence: number;
  /** By store name. */
  readonly changelogs: ReadonlyMap<string, ChangelogEnd>;
  /** Records that workers have died of, so that a restart does not begin to count anew. */
  readonly trial: WrittenTrial | null;
}

export type WrittenTrial = Omit<Trial, "rowsMax">;

export interface ChangelogEnd {
  readonly topicId: string;
  readonly end: number;
  /** The layout of its keys; unknown of what an older version wrote. */
  readonly kind?: StoreKind;
}

/** As it is written, for there is not much room. */
const KINDS: Readonly<Record<StoreKind, string>> = {
  keyValue: "k",
  window: "w",
  session: "s",
  buffer: "b",
};

/** The broker's `offset.metadata.max.bytes` default. */
export const METADATA_BYTES_MAX = 4_096;

/** Says which application wrote it: a tool that moves offsets writes none of this. */
const MARK = "outrigger/1";

export function encodeOffsetMetadata(metadata: OffsetMetadata): string {
  const changelogs = [...metadata.changelogs].map(([name, { topicId, end, kind }]) => {
    return kind === undefined ? [name, topicId, end] : [name, topicId, end, KINDS[kind]];
  });
  const fields = [MARK, metadata.streamTimeMs, metadata.commitSequence, changelogs];
  const { trial, ownTimes } = metadata;
  const isTried = trial !== null && trial.deaths > 0;
  const tried = isTried ? [trial.source, trial.from, trial.until, trial.deaths] : null;
  if (ownTimes !== undefined && ownTimes.size > 0) {
    return JSON.stringify([...fields, tried, [...ownTimes]]);
  }
  return JSON.stringify(isTried ? [...fields, tried] : fields);
}

/** null where the text is not ours: moved by a tool, or committed by another kind of consumer. */
export function decodeOffsetMetadata(text: string): OffsetMetadata | null {
  const parsed = parseJson(text);
  if (!Array.isArray(parsed) || parsed.length < 4 || parsed[0] !== MARK) return null;
  const [, streamTimeMs, commitSequence, entries, trial, times]: unknown[] = parsed;
  if (typeof streamTimeMs !== "number" || typeof commitSequence !== "number") return null;
  if (!Array.isArray(entries)) return null;
  const changelogs = new Map<string, ChangelogEnd>();
  for (const entry of entries) {
    if (!Array.isArray(entry)) return null;
    const [name, topicId, end, letter]: unknown[] = entry;
    if (typeof name !== "string" || typeof topicId !== "string" || typeof end !== "number") {
      return null;
    }
    const kind = (["keyValue", "window", "session", "buffer"] as const).find(
      (each) => KINDS[each] === letter,
    );
    changelogs.set(name, { topicId, end, ...(kind === undefined ? {} : { kind }) });
  }
  const ownTimes = timesOf(times);
  return {
    ...{ streamTimeMs, commitSequence, changelogs, trial: trialOf(trial) },
    ...(ownTimes.size === 0 ? {} : { ownTimes }),
  };
}

/** Left out where no store has its own, and by versions that knew none. */
function timesOf(written: unknown): Map<string, number> {
  const times = new Map<string, number>();
  if (!Array.isArray(written)) return times;
  for (const entry of written) {
    const [name, ms]: unknown[] = Array.isArray(entry) ? entry : [];
    if (typeof name === "string" && typeof ms === "number") times.set(name, ms);
  }
  return times;
}

/** Left out where nothing is on trial, and by versions that knew none. */
function trialOf(written: unknown): WrittenTrial | null {
  if (!Array.isArray(written) || !written.every(Number.isSafeInteger)) return null;
  const [source, from, until, deaths]: number[] = written;
  if (source === undefined || from === undefined) return null;
  if (until === undefined || deaths === undefined) return null;
  return { source, from, until, deaths };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The longest metadata that these stores can need: checked at start, so that no commit meets it. */
export function metadataBytesMax(
  storeNames: readonly string[],
  timedNames: readonly string[] = [],
): number {
  const largest = Number.MAX_SAFE_INTEGER;
  const changelogs = new Map(
    storeNames.map((name) => [
      name,
      { topicId: "f".repeat(32), end: largest, kind: "keyValue" as const },
    ]),
  );
  const text = encodeOffsetMetadata({
    streamTimeMs: -largest,
    ownTimes: new Map(timedNames.map((name) => [name, -largest])),
    commitSequence: largest,
    changelogs,
    trial: { source: largest, from: largest, until: largest, deaths: largest },
  });
  return new TextEncoder().encode(text).length;
}
