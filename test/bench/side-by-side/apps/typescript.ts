import { setTimeout } from "node:timers/promises";
import { bytes, createApp, int64, type Serde, tumbling } from "@outrigger/client";

/** The three workloads of the side-by-side benchmark; which one it is, the environment says. */

const [input = "", output = ""] = [process.env["BENCH_INPUT"], process.env["BENCH_OUTPUT"]];

interface Totals {
  readonly count: bigint;
  readonly sum: bigint;
}

const totals: Serde<Totals> = {
  serialize: ({ count, sum }) => {
    const written = Buffer.alloc(16);
    written.writeBigInt64BE(count, 0);
    written.writeBigInt64BE(sum, 8);
    return written;
  },
  deserialize: (read) => {
    const view = new DataView(read?.buffer ?? new ArrayBuffer(0), read?.byteOffset, 16);
    return { count: view.getBigInt64(0), sum: view.getBigInt64(8) };
  },
};

/** The window's start behind the key. */
function windowedKey(key: Uint8Array | null, start: number): Uint8Array | null {
  const length = key?.length ?? 0;
  const written = Buffer.alloc(length + 8);
  if (key !== null) written.set(key);
  written.writeBigInt64BE(BigInt(start), length);
  return written;
}

function amountOf(value: Uint8Array | null): bigint {
  if (value === null) throw new TypeError("a record without a value is none of ours");
  return new DataView(value.buffer, value.byteOffset, value.length).getBigInt64(8);
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
