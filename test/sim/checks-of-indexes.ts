import { waitsUntil } from "../../src/model/timers.ts";
import { TALLIES, TIMERS_STORE } from "./topologies.ts";

const TIME_BYTES = 8;

/**
 * An index leads to each entry of its store: a timer that waits stands in it once, at its time, and nothing
 * else does; an entry with a time to live stands in it at its time or before.
 */
export function indexFault(
  store: string,
  values: ReadonlyMap<string, string>,
  index: ReadonlyMap<string, string>,
): string | null {
  if (store === TIMERS_STORE) return timerIndexFault(values, index);
  return store === TALLIES.name ? valueTimeFault(values, index) : null;
}

function timerIndexFault(
  values: ReadonlyMap<string, string>,
  index: ReadonlyMap<string, string>,
): string | null {
  const places = new Set<string>();
  for (const [entry, value] of values) {
    const waits = waitsUntil(Buffer.from(value, "latin1"));
    if (waits === null) continue;
    const clock = String.fromCharCode(entry.charCodeAt(0) & 0x7f);
    places.add(clock + longOf(waits) + entry);
  }
  const missing = [...places].find((place) => !index.has(place));
  if (missing !== undefined) return `the index does not lead to ${hexOf(missing)}`;
  const strange = [...index.keys()].find((place) => !places.has(place));
  return strange === undefined ? null : `the index leads to ${hexOf(strange)}, where nothing waits`;
}

function valueTimeFault(
  values: ReadonlyMap<string, string>,
  index: ReadonlyMap<string, string>,
): string | null {
  const earliest = new Map<string, string>();
  for (const place of index.keys()) {
    const [time, key] = [place.slice(0, TIME_BYTES), place.slice(TIME_BYTES)];
    if (time < (earliest.get(key) ?? "\xff")) earliest.set(key, time);
  }
  for (const [key, value] of values) {
    const time = earliest.get(key);
    if (time === undefined || time > value.slice(0, TIME_BYTES)) {
      return `the index leads to key ${key} too late, or not at all`;
    }
  }
  return null;
}

function longOf(timeMs: number): string {
  const bytes = Buffer.alloc(TIME_BYTES);
  bytes.writeBigInt64BE(BigInt(timeMs));
  return bytes.toString("latin1");
}

function hexOf(place: string): string {
  return Buffer.from(place, "latin1").toString("hex");
}
