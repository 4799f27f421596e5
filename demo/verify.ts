import type { Expected, Flight } from "./flights.ts";

/** An output record, as an independent consumer read it: committed ones only, in partition order. */
export interface OutputRecord {
  readonly partition: number;
  readonly key: string | null;
  readonly value: string | null;
}

/** What was lost, doubled or wrong, in numbers and in the first few words. */
export interface Verdict {
  readonly windows: number;
  readonly lost: number;
  readonly doubled: number;
  readonly faults: readonly string[];
}

interface Update {
  readonly count: number;
  readonly averageDelay: number;
}

/**
 * The counts of each airport-day, in output order, must be 1, 2, 3 … without gap or repeat, and the
 * last count and average must be those of the file.
 */
export function verifyDepartures(
  output: readonly OutputRecord[],
  expected: ReadonlyMap<string, Expected>,
): Verdict {
  const faults: string[] = [];
  const updates = new Map<string, Update[]>();
  for (const { key, value } of output) {
    const day = updates.get(key ?? "") ?? [];
    day.push(asUpdate(value));
    updates.set(key ?? "", day);
  }
  let lost = 0;
  let doubled = 0;
  for (const [key, day] of expected) {
    const found = updates.get(key) ?? [];
    const distinct = new Set(found.map(({ count }) => count));
    doubled += found.length - distinct.size;
    for (let count = 1; count <= day.count; count++) if (!distinct.has(count)) lost += 1;
    const inOrder = found.every(({ count }, i) => count === i + 1);
    if (!inOrder || found.length !== day.count) {
      faults.push(`${key}: counts ${found.map(({ count }) => count).join(" ")}`);
    }
    const average = found.at(-1)?.averageDelay;
    if (average !== day.delaySum / day.count) {
      faults.push(`${key}: average ${average}, the file says ${day.delaySum / day.count}`);
    }
  }
  for (const key of updates.keys()) {
    if (!expected.has(key)) faults.push(`${key}: not in the file`);
  }
  return { windows: updates.size, lost, doubled, faults };
}

function asUpdate(value: string | null): Update {
  const parsed: unknown = JSON.parse(value ?? "null");
  if (typeof parsed === "object" && parsed !== null && "count" in parsed) {
    const { count, averageDelay } = parsed as Partial<Update>;
    if (typeof count === "number" && typeof averageDelay === "number") {
      return { count, averageDelay };
    }
  }
  return { count: Number.NaN, averageDelay: Number.NaN };
}

/** The copy must hold every flight once, and each airport's in the order of the file. */
export function verifyCopy(output: readonly OutputRecord[], flights: readonly Flight[]): Verdict {
  const faults: string[] = [];
  const expected = new Map<string, string[]>();
  for (const flight of flights) {
    const list = expected.get(flight.origin) ?? [];
    list.push(JSON.stringify(flight));
    expected.set(flight.origin, list);
  }
  const found = new Map<string, string[]>();
  for (const { key, value } of output) {
    const list = found.get(key ?? "") ?? [];
    list.push(value ?? "");
    found.set(key ?? "", list);
  }
  let lost = 0;
  let doubled = 0;
  for (const [origin, sent] of expected) {
    const copies = found.get(origin) ?? [];
    const excess = copies.length - sent.length;
    if (excess > 0) doubled += excess;
    else lost -= excess;
    if (!sent.every((value, i) => copies[i] === value)) faults.push(`${origin}: not the same list`);
  }
  for (const origin of found.keys()) {
    if (!expected.has(origin)) faults.push(`${origin}: not in the file`);
  }
  return { windows: output.length, lost, doubled, faults };
}

/** An airport-day as the output has it last. */
export interface Day {
  readonly key: string;
  readonly count: number;
  readonly averageDelay: number;
}

/** The airport-days with the most departures, as they were read back. */
export function busiestDays(output: readonly OutputRecord[], rows: number): readonly Day[] {
  const last = new Map<string, Update>();
  for (const { key, value } of output) last.set(key ?? "", asUpdate(value));
  const days = [...last].map(([key, update]) => ({ key, ...update }));
  return days.sort((a, b) => b.count - a.count).slice(0, rows);
}
