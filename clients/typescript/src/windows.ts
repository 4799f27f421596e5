import { type Duration, durationMs } from "./durations.ts";
import type { Serde } from "./serdes.ts";

/** Windows of fixed size that neither overlap nor leave gaps, aligned to the epoch. */
export interface TumblingWindows {
  readonly sizeMs: number;
  readonly graceMs: number;
}

/** `grace`: how long after its end a window takes late records, in stream time; 0 by default. */
export function tumbling(size: Duration, options: { grace?: Duration } = {}): TumblingWindows {
  const sizeMs = durationMs(size);
  if (sizeMs <= 0) throw new RangeError(`a window of ${String(size)} is none: it must be above 0`);
  return { sizeMs, graceMs: durationMs(options.grace ?? 0) };
}

/** `[start, end)`, in ms since the epoch. */
export interface Window {
  readonly start: number;
  readonly end: number;
}

/** The key of a windowed aggregate's result. */
export interface Windowed<K> {
  readonly key: K;
  readonly window: Window;
}

const START_BYTES = 8;

/** `key | int64 start`, as Kafka's TimeWindowedSerializer. */
export function windowed<K>(key: Serde<K>, sizeMs: number): Serde<Windowed<K>> {
  return {
    serialize: (value) => {
      const inner = key.serialize(value.key) ?? new Uint8Array();
      const written = new Uint8Array(inner.length + START_BYTES);
      written.set(inner);
      new DataView(written.buffer).setBigInt64(inner.length, BigInt(value.window.start));
      return written;
    },
    deserialize: (bytes) => {
      if (bytes === null || bytes.length < START_BYTES) {
        throw new TypeError(`it has ${bytes?.length ?? 0} bytes, a windowed key at least 8`);
      }
      const at = bytes.length - START_BYTES;
      const view = new DataView(bytes.buffer, bytes.byteOffset + at, START_BYTES);
      const start = Number(view.getBigInt64(0));
      const inner = key.deserialize(bytes.subarray(0, at));
      return { key: inner, window: { start, end: start + sizeMs } };
    },
  };
}
