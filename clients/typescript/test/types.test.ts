import assert from "node:assert/strict";
import { it } from "node:test";
import {
  createApp,
  hopping,
  int64,
  json,
  keyValueStore,
  nullable,
  type ProcessedRecord,
  session,
  tumbling,
  utf8,
  type Windowed,
} from "../src/index.ts";
import { KStream } from "../src/streams.ts";
import { type Serdes, TopologyBuilder } from "../src/topology.ts";

/** Compiles only where `T` is exactly `Expected`. */
type Same<T, Expected> =
  (<X>() => X extends T ? 1 : 2) extends <X>() => X extends Expected ? 1 : 2 ? true : false;

interface Order {
  readonly cents: number;
}

it("lets types flow from serdes to handlers, which `npm run check` compiles", () => {
  const app = createApp({ defaultKeySerde: utf8 });
  const orders = app.stream("orders", { value: json<Order>() });
  const totals = keyValueStore("totals", { key: utf8, value: json<number>() });
  const checked: true[] = [];

  orders.process<string, number>(
    async (record, ctx) => {
      checked.push(true satisfies Same<typeof record.key, string>);
      checked.push(true satisfies Same<typeof record.value, Order>);
      const total = await ctx.store(totals).get(record.key);
      checked.push(true satisfies Same<typeof total, number | undefined>);
      // @ts-expect-error: the processor forwards numbers
      ctx.forward({ key: record.key, value: "text" });
    },
    { stores: [totals] },
  );

  const sums = orders
    .groupByKey()
    .windowedBy(tumbling("1d"))
    .aggregate(
      () => 0,
      (key, order, sum) => {
        checked.push(true satisfies Same<typeof key, string>);
        return sum + order.cents;
      },
      { value: json<number>() },
    );
  sums.map((record) => {
    checked.push(true satisfies Same<typeof record.key, Windowed<string>>);
    checked.push(true satisfies Same<typeof record.value, number>);
    return record;
  });
  // @ts-expect-error: the keys are windowed
  sums.to("sums", { key: utf8, value: json<number>() });
  // @ts-expect-error: a value may be null, which the serde does not take
  app.stream("maybe", { key: utf8, value: nullable(utf8) }).to("o", { key: utf8, value: utf8 });

  const plain = createApp().stream("bytes");
  plain.mapValues((value) => {
    checked.push(true satisfies Same<typeof value, Uint8Array | null>);
    return value;
  });
  assert.deepEqual(checked, [], "no handler has run yet");
});

it("gives windowed keys, numbers and branches their types", () => {
  const app = createApp({ defaultKeySerde: utf8 });
  const orders = app.stream("orders", { value: json<Order | null>() });
  const checked: true[] = [];
  const grouped = orders.groupBy((order) => BigInt(order.value?.cents ?? 0), { key: int64 });

  grouped.sum({ number: "int64" }).peek(({ key, value }) => {
    checked.push(true satisfies Same<typeof key, bigint>);
    checked.push(true satisfies Same<typeof value, bigint>);
  });
  grouped
    .windowedBy(hopping("1m", { advance: "1s" }))
    .max({ number: "float64" })
    .peek(({ key, value }) => {
      checked.push(true satisfies Same<typeof key, Windowed<bigint>>);
      checked.push(true satisfies Same<typeof value, number>);
    });
  grouped
    .windowedBy(session("1m"))
    .count()
    .peek(({ key, value }) => {
      checked.push(true satisfies Same<typeof key, Windowed<bigint>>);
      checked.push(true satisfies Same<typeof value, bigint | null>);
    });
  const merging = grouped.windowedBy(session("1m"));
  const one = (): number => 1;
  // @ts-expect-error: sessions merge, and somebody has to say how
  const refused = (): unknown => merging.aggregate(one, one, { value: json<number>() });
  assert.equal(typeof refused, "function");

  const { known, rest } = orders
    .split()
    .branch((order): order is ProcessedRecord<string, Order> => order.value !== null, "known")
    .defaultBranch("rest");
  known.mapValues((value) => {
    checked.push(true satisfies Same<typeof value, Order>);
    return value;
  });
  rest.mapValues((value) => {
    checked.push(true satisfies Same<typeof value, Order | null>);
    return value;
  });
  const named = orders
    .split()
    .branch(() => true, "a")
    .noDefaultBranch();
  // @ts-expect-error: the split has no such branch
  assert.equal(named.b, undefined);
  const texts = known.mapValues(() => "text");
  // @ts-expect-error: their values are of two types
  rest.merge(texts);
  orders.processValues<number>((order, ctx) => {
    ctx.forward({ ...order, value: 1 });
    // @ts-expect-error: the processor forwards numbers
    ctx.forward({ value: "text" });
    // @ts-expect-error: only a process asks for hooks
    ctx.afterCommit("hook", null);
  });
  assert.deepEqual(checked, [], "no handler has run yet");
});

it("refuses an application without an address, and says how to get one", async () => {
  const before = process.env["OUTRIGGER_ADDRESS"];
  delete process.env["OUTRIGGER_ADDRESS"];
  try {
    await assert.rejects(createApp().run(), /outrigger run/);
  } finally {
    if (before !== undefined) process.env["OUTRIGGER_ADDRESS"] = before;
  }
});

it("reads and writes with the application's default serdes, where none are named", () => {
  const builder = new TopologyBuilder({ key: utf8, value: int64 } as unknown as Serdes);
  const input = builder.serdes({});
  const kind = { case: "source" as const, value: { topics: ["in"] } };
  const node = builder.add({ name: undefined, kind, parents: [], input });
  const upstream = { builder, nodes: [node], serdes: input };
  new KStream<string, string>(upstream).to("out", { value: utf8 });
  assert.equal(builder.nodes.get(node)?.input.value, int64);
  const sink = builder.nodes.get("sink-02");
  assert.equal(sink?.input.key, utf8);
  assert.equal(sink?.input.value, utf8);
});
