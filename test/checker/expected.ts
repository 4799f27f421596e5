import type { JudgedRecord } from "../support/judges.ts";

/** What must come of an input, computed from the input alone. */

/** The outputs of the workload: the topic is `<prefix>-<name>`. */
export const OUTPUTS = ["echo", "sum", "count", "list", "bank", "windows"] as const;
export type Output = (typeof OUTPUTS)[number];

/** Stores whose content is told from the input; `windows` is told from its changelog alone. */
export const STORES = ["sums", "counts", "lists", "books"] as const;
export type Store = (typeof STORES)[number];

export interface Sent {
  readonly key: string;
  readonly value: string;
  readonly timestamp: number;
}

/** A value that a key of a store has had, from the record with this offset on; null: deleted. */
export interface Version {
  readonly offset: number;
  readonly value: string | null;
}

/** A record that is given up: it has this dead letter, and no effect. */
export interface Letter {
  readonly offset: number;
  readonly key: string;
  readonly value: string;
  readonly timestamp: number;
  /** As its headers say it. */
  readonly reason: string;
}

export interface ExpectedPartition {
  readonly outputs: Readonly<Record<Output, Sent[]>>;
  /** By store and key, ascending. */
  readonly versions: Readonly<Record<Store, Map<string, Version[]>>>;
  /** Records that were too late for their window. */
  readonly late: number;
  readonly letters: readonly Letter[];
}

/** Why a record with this mark is given up; one that is parked is processed in the end. */
const REASONS: Readonly<Record<string, string>> = {
  fail: "retries_exhausted",
  reject: "rejected",
  kill: "process_crash",
  hang: "processing_timeout",
};

const LIST_LENGTH_MAX = 24;
const WINDOW_MS = 1_000;
const GRACE_MS = 1_000;

/** The outputs and states of one partition's records, in order. */
export function expectedOf(input: readonly JudgedRecord[]): ExpectedPartition {
  const fold = new Fold();
  for (const record of input) fold.add(record);
  return fold;
}

class Fold implements ExpectedPartition {
  readonly outputs = { echo: [], sum: [], count: [], list: [], bank: [], windows: [] } as Record<
    Output,
    Sent[]
  >;
  readonly versions = {
    sums: new Map<string, Version[]>(),
    counts: new Map<string, Version[]>(),
    lists: new Map<string, Version[]>(),
    books: new Map<string, Version[]>(),
  };
  late = 0;
  readonly letters: Letter[] = [];
  readonly #sums = new Map<string, { total: number; least: number }>();
  readonly #counts = new Map<string, number>();
  readonly #lists = new Map<string, string[]>();
  readonly #books = new Map<string, number[]>();
  readonly #windows = new Map<string, number>();
  #streamTimeMs = Number.NEGATIVE_INFINITY;

  add({ key: keyBytes, value: valueBytes, offset, timestamp }: JudgedRecord): void {
    const [key, value] = [String(keyBytes), String(valueBytes)];
    const fields = /^(\S+) (\d+) (\d) (\d)(?: (\w+))?$/.exec(value);
    if (fields === null) throw new Error(`"${value}" is no input of this workload`);
    const [, id = "", amount, from, to, mark = ""] = fields;
    const reason = REASONS[mark];
    if (reason !== undefined) {
      this.letters.push({ offset, key, value, timestamp, reason });
      return;
    }
    const send = (output: Output, sent: string): void => {
      this.outputs[output].push({ key, value: sent, timestamp });
    };
    const keep = (store: Store, kept: string | null): void => {
      const versions = this.versions[store].get(key) ?? [];
      versions.push({ offset, value: kept });
      this.versions[store].set(key, versions);
    };
    send("echo", value);
    const sum = this.#sum(key, Number(amount));
    keep("sums", sum);
    send("sum", `${id} ${sum}`);
    const count = `${id} ${next(this.#counts, key)}`;
    keep("counts", count);
    send("count", count);
    const list = [...(this.#lists.get(key) ?? []), id];
    const isFull = list.length === LIST_LENGTH_MAX;
    this.#lists.set(key, isFull ? [] : list);
    keep("lists", isFull ? null : list.join());
    send("list", list.join());
    const book = this.#transfer(key, Number(from), Number(to), Number(amount));
    keep("books", book);
    send("bank", `${id} ${book}`);
    this.#streamTimeMs = Math.max(this.#streamTimeMs, timestamp);
    const start = Math.floor(timestamp / WINDOW_MS) * WINDOW_MS;
    if (start + WINDOW_MS + GRACE_MS <= this.#streamTimeMs) this.late += 1;
    else send("windows", `${start} ${id} ${next(this.#windows, `${key}@${start}`)}`);
  }

  #sum(key: string, amount: number): string {
    const { total, least } = this.#sums.get(key) ?? { total: 0, least: Number.POSITIVE_INFINITY };
    const sum = { total: total + amount, least: Math.min(least, amount) };
    this.#sums.set(key, sum);
    return `${sum.total} ${sum.least}`;
  }

  #transfer(key: string, from: number, to: number, amount: number): string {
    const book = this.#books.get(key) ?? [0, 0, 0, 0];
    book[from] = (book[from] ?? 0) - amount;
    book[to] = (book[to] ?? 0) + amount;
    this.#books.set(key, book);
    return book.join();
  }
}

function next(counts: Map<string, number>, key: string): number {
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count;
}

/** What a store holds once every record below `offset` has taken effect. */
export function contentAt(versions: ReadonlyMap<string, readonly Version[]>, offset: number) {
  const content = new Map<string, string>();
  for (const [key, all] of versions) {
    const value = all.findLast((version) => version.offset < offset)?.value ?? null;
    if (value !== null) content.set(key, value);
  }
  return content;
}
