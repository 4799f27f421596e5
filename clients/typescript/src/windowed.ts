import { int64At, putInt64 } from "./int64-bytes.ts";
import type { Serde } from "./serdes.ts";
import { shared } from "./shared-serdes.ts";

/** A window's ends, in ms since the epoch: `end` is included in sliding windows and sessions alone. */
export interface Window {
  readonly start: number;
  readonly end: number;
}

/** The key of a windowed aggregate's result. */
export interface Windowed<K> {
  readonly key: K;
  readonly window: Window;
}

const TIME_BYTES = 8;

/** `key | int64 start`, as Kafka's TimeWindowedSerializer; `sizeMs` from the start to the end. */
export function windowed<K>(key: Serde<K>, sizeMs: number): Serde<Windowed<K>> {
  return shared(key, `windowed ${sizeMs}`, () => ({
    serialize: ({ key: inner, window: { start } }) => withTimes(key.serialize(inner), [start]),
    deserialize: (bytes) => {
      const { inner, at, whole } = apart(bytes, 1);
      const start = int64At(whole, at);
      return { key: key.deserialize(inner), window: { start, end: start + sizeMs } };
    },
  }));
}

/** `key | int64 end | int64 start`, as Kafka's SessionWindowedSerializer. */
export function sessionWindowed<K>(key: Serde<K>): Serde<Windowed<K>> {
  return shared(key, "sessionWindowed", () => ({
    serialize: ({ key: inner, window: { start, end } }) =>
      withTimes(key.serialize(inner), [end, start]),
    deserialize: (bytes) => {
      const { inner, at, whole } = apart(bytes, 2);
      const [end, start] = [int64At(whole, at), int64At(whole, at + TIME_BYTES)];
      return { key: key.deserialize(inner), window: { start, end } };
    },
  }));
}

function withTimes(inner: Uint8Array | null, times: readonly number[]): Uint8Array {
  const length = inner?.length ?? 0;
  const written = new Uint8Array(length + times.length * TIME_BYTES);
  if (inner !== null) written.set(inner);
  for (let at = 0; at < times.length; at++) {
    putInt64(written, length + at * TIME_BYTES, wholeMs(times[at] as number));
  }
  return written;
}

function wholeMs(time: number): number {
  if (Number.isSafeInteger(time)) return time;
  throw new RangeError(`a window's time of ${time} is no whole number of ms`);
}

function apart(
  bytes: Uint8Array | null,
  count: number,
): { readonly inner: Uint8Array; readonly whole: Uint8Array; readonly at: number } {
  const least = count * TIME_BYTES;
  if (bytes === null || bytes.length < least) {
    throw new TypeError(`it has ${bytes?.length ?? 0} bytes, a windowed key at least ${least}`);
  }
  const at = bytes.length - least;
  return { inner: bytes.subarray(0, at), whole: bytes, at };
}
