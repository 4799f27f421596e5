import { setTimeout } from "node:timers/promises";
import { bytes, createApp, int64, type Serde, tumbling } from "@outrigger/client";

/** The three workloads of the side-by-side benchmark; which one it is, the environment says. */

const [input = "", output = ""] = [process.env["BENCH_INPUT"], process.env["BENCH_OUTPUT"]];

interface Totals {
  readonly count: bigint;
  readonly sum: bigint;
}

/** Numbers are read and written here, big-endian: a DataView for each of them takes longer than they do. */
const place = new Uint8Array(16);
const numbers = new DataView(place.buffer);

const totals: Serde<Totals> = {
  serialize: ({ count, sum }) => {
    numbers.setBigInt64(0, count);
    numbers.setBigInt64(8, sum);
    return new Uint8Array(place);
  },
  deserialize: (read) => {
    if (read?.length !== 16) throw new TypeError("totals are two numbers of 64 bits");
    place.set(read);
    return { count: numbers.getBigInt64(0), sum: numbers.getBigInt64(8) };
  },
};

/** The window's start behind the key. */
function windowedKey(key: Uint8Array | null, start: number): Uint8Array | null {
  const length = key?.length ?? 0;
  const written = new Uint8Array(length + 8);
  if (key !== null) written.set(key);
  numbers.setBigInt64(0, BigInt(start));
  for (let at = 0; at < 8; at++) written[length + at] = place[at] as number;
  return written;
}

function amountOf(value: Uint8Array | null): bigint {
  if (value === null) throw new TypeError("a record without a value is none of ours");
  for (let at = 0; at < 8; at++) place[at] = value[8 + at] as number;
  return numbers.getBigInt64(0);
}

const app = createApp();
const records = app.stream(input, { key: bytes, value: bytes });
const handlerMs = Number(process.env["BENCH_HANDLER_MS"] ?? "0");

/** Unchanged, as it comes or after a wait. */
function copied(): typeof records {
  if (handlerMs === 0) return records.mapValues((value) => value);
  return records.process(async ({ key, value }, ctx) => {
    await setTimeout(handlerMs);
    ctx.forward({ key, value });
  });
}

switch (process.env["BENCH_WORKLOAD"]) {
  case "W1":
    copied().to(output, { key: bytes, value: bytes });
    break;
  case "W2":
    records
      .groupByKey()
      .windowedBy(tumbling("5m"))
      .count({ store: "counts" })
      .map(({ key, value }) => ({ key: windowedKey(key.key, key.window.start), value }))
      .to(output, { key: bytes, value: int64 });
    break;
  case "W3":
    records
      .groupByKey()
      .aggregate<Totals>(
        () => ({ count: 0n, sum: 0n }),
        (_key, value, { count, sum }) => ({ count: count + 1n, sum: sum + amountOf(value) }),
        { store: "totals", value: totals },
      )
      .to(output, { key: bytes, value: totals });
    break;
  default:
    throw new Error("BENCH_WORKLOAD is none of W1, W2, W3");
}
await app.run({ handleSignals: true });
