// What the SDK costs for each record: processor time of the process for reading a batch of 500, running it
// and writing its result, without IO. `node clients/typescript/scripts/rows.mjs` prints a line for each
// kind, of what `npm run build` has made; a folder as argument names another build.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";

const dist = process.argv[2] ?? new URL("../dist", import.meta.url).pathname;
const { bytes, int64, keyValueStore, tumbling, utf8 } = await import(`${dist}/index.js`);
const { TopologyBuilder } = await import(`${dist}/topology.js`);
const { KStream } = await import(`${dist}/streams.js`);
const { Session } = await import(`${dist}/session.js`);
const { Chunks } = await import(`${dist}/chunks.js`);
const { decodeFrame } = await import(`${dist}/received-batch.js`);
const pb = await import(`${dist}/gen/outrigger/v1/processor_pb.js`);

const ROWS = 500;
const BATCHES = 100;
const ROUNDS = 9;

const totals = {
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

function windowedKey(key, start) {
  const length = key?.length ?? 0;
  const written = Buffer.alloc(length + 8);
  if (key !== null) written.set(key);
  written.writeBigInt64BE(BigInt(start), length);
  return written;
}

const amountOf = (value) =>
  new DataView(value.buffer, value.byteOffset, value.length).getBigInt64(8);

const raw = { key: bytes, value: bytes };
const counts = keyValueStore("counts", { key: bytes, value: int64 });
const KINDS = {
  mapValues: (records) => records.mapValues((value) => value).to("out", raw),
  windowedMap: (records) =>
    records
      .groupByKey()
      .windowedBy(tumbling("5m"))
      .count({ store: "counts" })
      .map(({ key, value }) => ({ key: windowedKey(key.key, key.window.start), value }))
      .to("out", { key: bytes, value: int64 }),
  aggregate: (records) =>
    records
      .groupByKey()
      .aggregate(
        () => ({ count: 0n, sum: 0n }),
        (_key, value, { count, sum }) => ({ count: count + 1n, sum: sum + amountOf(value) }),
        { store: "totals", value: totals },
      )
      .to("out", { key: bytes, value: totals }),
  process: (records) =>
    records.process(({ key, value }, ctx) => ctx.forward({ key, value })).to("out", raw),
  store: (records) =>
    records
      .process(
        async ({ key, value }, ctx) => {
          const store = ctx.store(counts);
          const count = ((await store.get(key)) ?? 0n) + 1n;
          store.put(key, count);
          ctx.forward({ key, value });
        },
        { stores: [counts] },
      )
      .to("out", raw),
  text: (records) =>
    records
      .filter(({ value }) => value !== "", {})
      .mapValues((value) => value.toUpperCase())
      .to("out", { key: utf8, value: utf8 }),
};

function pair(...numbers) {
  const written = Buffer.alloc(numbers.length * 8);
  for (const [at, number] of numbers.entries()) written.writeBigInt64BE(BigInt(number), at * 8);
  return written;
}

function batchOf(kind) {
  const rows = Array.from({ length: ROWS }, (_, row) => row);
  let keys = rows.map((row) => pair((row * 7919) % 10_000, row));
  let values = rows.map((row) => Buffer.concat([pair(row, row), Buffer.alloc(84)]));
  if (kind === "windowedMap") {
    keys = keys.map((key) => Buffer.concat([key, pair(300_000)]));
    values = rows.map(() => pair(1));
  }
  if (kind === "text") {
    keys = rows.map((row) => Buffer.from(`key-${row}`));
    values = rows.map((row) => Buffer.from(`a value of about fifty characters, row number ${row}`));
  }
  const segments = [{ baseTimestamp: 1_700_000_000_000n, keys, values, timestampDeltas: rows }];
  const state = { aggregate: pair(1, 1), store: pair(1) }[kind];
  const states = state === undefined ? [] : [{ values: rows.map(() => state) }];
  const value = { dispatchId: 1n, taskEpoch: 1, taskId: "0_0", segments, states };
  const frame = create(pb.ProcessResponseSchema, { frame: { case: "batch", value } });
  return Buffer.from(toBinary(pb.ProcessResponseSchema, frame));
}

function sessionOf(kind, sent) {
  const builder = new TopologyBuilder({ key: bytes, value: bytes });
  const input = kind === "text" ? { key: utf8, value: utf8 } : raw;
  const source = { case: "source", value: { topics: ["in"] } };
  const node = builder.add({ name: "in", kind: source, parents: [], input });
  KINDS[kind](new KStream({ builder, nodes: [node], serdes: input }));
  const names = [...builder.nodes.keys()];
  const entry = [...builder.nodes.values()].find(({ code }) => code !== null).name;
  const stage = {
    entries: [entry],
    stores: { aggregate: ["totals"], store: ["counts"] }[kind] ?? [],
    sinks: [names.at(-1)],
  };
  const value = { protocolMinor: 6, applicationId: "rows", sources: ["in"], stages: [stage] };
  const welcome = create(pb.ProcessResponseSchema, { frame: { case: "welcome", value } });
  const chunks = new Chunks();
  const session = new Session(builder.nodes, {
    send: (frame) => {
      const [message] = chunks.outgoing(frame);
      // The socket's copy, behind which a result's frame is free; its prefix is gRPC's.
      const taken = Buffer.from(message.subarray(5));
      frame.sent();
      sent(taken);
    },
    welcomed: () => {},
    rejected: (error) => {
      throw error;
    },
    idle: () => {},
  });
  session.received(decodeFrame(toBinary(pb.ProcessResponseSchema, welcome)));
  return (batch) => session.received(chunks.incoming(decodeFrame(batch)));
}

async function measured(kind) {
  let got = () => {};
  const receive = sessionOf(kind, (result) => got(result));
  const batch = batchOf(kind);
  const once = () =>
    new Promise((resolve) => {
      got = resolve;
      receive(batch);
    });
  const { frame } = fromBinary(pb.ProcessRequestSchema, await once());
  if (frame.value.done !== ROWS || frame.value.outputs.keys.length !== ROWS)
    throw new Error(`${kind} failed`);
  const took = [];
  for (let round = 0; round < ROUNDS; round++) {
    const begun = process.cpuUsage();
    for (let at = 0; at < BATCHES; at++) await once();
    const { user, system } = process.cpuUsage(begun);
    took.push((user + system) / BATCHES / ROWS);
  }
  return Math.min(...took);
}

for (const kind of process.argv[3]?.split(",") ?? Object.keys(KINDS)) {
  process.stdout.write(`${kind.padEnd(12)} ${(await measured(kind)).toFixed(3)} µs a record\n`);
}
