import assert from "node:assert/strict";
import { it } from "node:test";
import { EmitStrategy } from "../src/emit.ts";
import {
  Aggregator,
  EmitStrategy as Declared,
  NumberType,
  Operation,
  StoreKind,
} from "../src/gen/outrigger/v1/topology_pb.ts";
import { bytes, double, int32, int64, json, nullable, type Serde, utf8 } from "../src/serdes.ts";
import { KStream } from "../src/streams.ts";
import { type Serdes, TopologyBuilder } from "../src/topology.ts";
import { sessionWindowed, windowed } from "../src/windowed.ts";
import { hopping, session, sliding, tumbling } from "../src/windows.ts";
import { source } from "./fake-sidecar.ts";

function builderOf(): TopologyBuilder {
  return new TopologyBuilder({ key: bytes, value: bytes } as unknown as Serdes);
}

/** How the node's rows go over the wire. */
function inputOf(builder: TopologyBuilder, name: string): [Serde<unknown>, Serde<unknown>] {
  const node = builder.nodes.get(name) ?? assert.fail(`there is no node ${name}`);
  return [node.input.key, node.input.value];
}

function declared(builder: TopologyBuilder) {
  return builder.build().nodes.map(({ name, parents, kind }) => {
    const [operation] = Object.entries(Operation).find(
      ([, value]) => kind.case === "function" && value === kind.value.operation,
    ) ?? [kind.case];
    return `${parents.join("+")} > ${name}: ${operation}`;
  });
}

it("declares each operation as a node of its kind, with a name made from the order of the calls", () => {
  const builder = builderOf();
  source(builder, utf8, utf8)
    .filterNot(() => false)
    .selectKey(({ value }) => value)
    .flatMap((record) => [record])
    .flatMapValues((value) => [value])
    .peek(() => {})
    .processValues(() => {})
    .repartition({ partitions: 4 })
    .groupByKey()
    .sum({ number: "int64" });
  assert.deepEqual(declared(builder), [
    " > in: source",
    "in > function-02: FILTER",
    "function-02 > function-03: SELECT_KEY",
    "function-03 > function-04: FLAT_MAP",
    "function-04 > function-05: FLAT_MAP_VALUES",
    "function-05 > function-06: PEEK",
    "function-06 > function-07: PROCESS_VALUES",
    "function-07 > repartition-08: repartition",
    "repartition-08 > aggregate-09: aggregate",
  ]);
  const repartition = builder.build().nodes[7]?.kind;
  assert.equal(repartition?.case === "repartition" && repartition.value.partitions, 4);
  assert.deepEqual(
    builder.build().stores.map(({ name, kind }) => [name, kind]),
    [["sum-store-01", StoreKind.KEY_VALUE]],
  );
});

it("gives each branch a node of its own under the split, and merged streams all their parents", () => {
  const builder = builderOf();
  const {
    big,
    "2": second,
    rest,
  } = source(builder, utf8, utf8)
    .split({ name: "s" })
    .branch(({ value }) => value.length > 3, "big")
    .branch(() => true)
    .defaultBranch("rest");
  const unnamed = big
    .split()
    .branch(() => true)
    .defaultBranch();
  assert.ok(second !== undefined && unnamed["0"] !== undefined);
  second.merge(rest).merge(unnamed["0"]).to("out");
  assert.deepEqual(declared(builder), [
    " > in: source",
    "in > s: BRANCH",
    "s > s-big: PEEK",
    "s > s-2: PEEK",
    "s > s-rest: PEEK",
    "s-big > function-06: BRANCH",
    "function-06 > function-06-1: PEEK",
    "function-06 > function-06-0: PEEK",
    "s-2+s-rest+function-06-0 > sink-09: sink",
  ]);
  assert.deepEqual(Object.keys(unnamed).sort(), ["0", "1"]);
  assert.deepEqual(inputOf(builder, "function-06-0"), [utf8, utf8]);
});

it("takes no branch once the branches are complete, and no two of one name", () => {
  const split = source(builderOf(), utf8, utf8).split({ name: "s" });
  split.branch(() => true, "a");
  assert.throws(() => split.branch(() => true, "a"), /two nodes are named "s-a"/);
  split.noDefaultBranch();
  assert.throws(() => split.branch(() => true, "b"), /branches of "s" are complete/);
});

it("knows serdes as far as no code may have changed the type, and takes the defaults from there on", () => {
  const builder = builderOf();
  const stream = source(builder, utf8, int64);
  const count = <K, V>(from: KStream<K, V>, name: string) => from.groupByKey().count({ name });
  const typed = stream as unknown as KStream<unknown, unknown>;
  count(typed, "source");
  count(
    typed.filter(() => true).peek(() => {}),
    "kept",
  );
  count(
    typed.mapValues((value) => value),
    "values",
  );
  count(
    typed.flatMapValues((value) => [value]),
    "flat values",
  );
  count(
    typed.processValues(() => {}),
    "process values",
  );
  count(
    typed.selectKey(() => 0),
    "key",
  );
  count(
    typed.map((record) => record),
    "both",
  );
  count(
    typed.flatMap((record) => [record]),
    "flat both",
  );
  count(
    typed.process(() => {}),
    "process",
  );
  assert.deepEqual(inputOf(builder, "source"), [utf8, int64]);
  assert.deepEqual(inputOf(builder, "kept"), [utf8, int64]);
  for (const name of ["values", "flat values", "process values"]) {
    assert.deepEqual(inputOf(builder, name), [utf8, bytes], name);
  }
  assert.deepEqual(inputOf(builder, "key"), [bytes, int64]);
  for (const name of ["both", "flat both", "process"]) {
    assert.deepEqual(inputOf(builder, name), [bytes, bytes], name);
  }
});

it("takes the serdes of a grouping and of a repartition, and those of results from the aggregate", () => {
  const builder = builderOf();
  const stream = source(builder, utf8, json<number>());
  const grouped = stream.groupBy(({ value }) => value, { key: double, value: json(), name: "g" });
  grouped.count({ name: "c" }).groupByKey().count({ name: "of count" });
  grouped
    .windowedBy(tumbling(5))
    .reduce((a) => a, { name: "r" })
    .to("x", {}, { name: "x" });
  grouped
    .windowedBy(tumbling(5))
    .reduce((a) => a)
    .groupByKey()
    .count({ name: "of reduce" });
  grouped.windowedBy(sliding(7)).max({ number: "int32" }).groupByKey().count({ name: "of max" });
  grouped.windowedBy(session(5)).count().groupByKey().count({ name: "of session" });
  stream.repartition({ name: "p", key: utf8 }).groupByKey().count({ name: "of repartition" });
  assert.deepEqual(inputOf(builder, "g"), [utf8, json()]);
  assert.deepEqual(inputOf(builder, "c"), [double, json()]);
  assert.deepEqual(inputOf(builder, "of count"), [double, int64]);
  assert.deepEqual(inputOf(builder, "of reduce"), [windowed(double, 5), json()]);
  assert.deepEqual(inputOf(builder, "of max"), [windowed(double, 7), int32]);
  assert.deepEqual(inputOf(builder, "of session"), [sessionWindowed(double), nullable(int64)]);
  assert.deepEqual(inputOf(builder, "p"), [utf8, json()]);
  assert.deepEqual(inputOf(builder, "of repartition"), [utf8, json()]);
});

it("declares windows, numbers and the name of the repartition topic with the aggregate", () => {
  const builder = builderOf();
  const grouped = source(builder, utf8, int32).groupByKey({ name: "by" });
  grouped.windowedBy(hopping("1m", { advance: "20s", grace: 5 })).min({ number: "float64" });
  grouped.windowedBy(sliding(0)).count();
  grouped.windowedBy(session("1s", { grace: 1 })).aggregate(
    () => 0,
    (_key, value, sum) => sum + value,
    (_key, one, two) => one + two,
    { value: int32 },
  );
  const { nodes, stores } = builder.build();
  const [min, count, fold] = nodes.slice(1).map(({ kind }) => {
    if (kind.case !== "aggregate") return assert.fail("no aggregate");
    const { tumbling: none, repartition, ...rest } = kind.value;
    assert.equal(none, undefined);
    assert.equal(repartition, "by");
    return rest;
  });
  assert.equal(min?.aggregator, Aggregator.MIN);
  assert.equal(min?.number, NumberType.FLOAT64);
  assert.equal(min?.hopping?.sizeMs, 60_000n);
  assert.equal(min?.hopping?.advanceMs, 20_000n);
  assert.equal(min?.hopping?.graceMs, 5n);
  assert.equal(count?.sliding?.timeDifferenceMs, 0n);
  assert.equal(count?.number, NumberType.UNSPECIFIED);
  assert.equal(fold?.session?.gapMs, 1_000n);
  assert.equal(fold?.session?.graceMs, 1n);
  assert.deepEqual(
    stores.map(({ name, kind }) => [name, kind]),
    [
      ["min-store-01", StoreKind.WINDOW],
      ["count-store-02", StoreKind.WINDOW],
      ["aggregate-store-03", StoreKind.SESSION],
    ],
  );
});

it("refuses windows that hold nothing, and records that would be in none", () => {
  assert.throws(() => tumbling(0), /a window of 0 is none/);
  assert.throws(() => hopping(0, { advance: 1 }), /a window of 0 is none/);
  assert.throws(() => hopping("1m", { advance: 0 }), /an advance of 0 is none/);
  assert.throws(() => hopping("1m", { advance: "61s" }), /records in between would be in none/);
  assert.throws(() => session("0s"), /a gap of 0s is none/);
  assert.equal(hopping("1m", { advance: "1m" }).advanceMs, 60_000);
});

it("merges streams that are written alike, or of which one is not known", () => {
  const builder = builderOf();
  const left = source(builder, utf8, json<number>());
  const input = { key: utf8, value: json<number>() } as unknown as Serdes;
  const node = builder.add({
    name: "other",
    kind: { case: "source", value: { topics: ["other"] } },
    parents: [],
    input,
  });
  const right = new KStream<string, number>({ builder, nodes: [node], serdes: input });
  const unknown = right.mapValues((value) => value + 1);
  unknown.merge(left).groupByKey().count({ name: "c" });
  left.merge(right).groupByKey().count({ name: "d" });
  assert.deepEqual(inputOf(builder, "c"), [utf8, json()]);
  assert.deepEqual(inputOf(builder, "d"), [utf8, json()]);
  assert.throws(() => left.merge(left), /records of "in" would be in the merged stream twice/);
  const counted = left.groupByKey().count();
  const both = counted as unknown as KStream<string, number>;
  assert.throws(
    () => both.merge(right),
    /the same value serde, those of "aggregate-\d+" and "other"/,
  );
  const elsewhere = source(builderOf(), utf8, json<number>());
  assert.throws(() => left.merge(elsewhere), /two applications/);
});

it("refuses a number of partitions that is none", () => {
  const stream = source(builderOf(), utf8, utf8);
  for (const partitions of [-1, 1.5]) {
    assert.throws(() => stream.repartition({ partitions }), RangeError);
  }
});

it("takes what is made alike of a serde to be the same", () => {
  assert.equal(json(), json());
  assert.equal(nullable(utf8), nullable(utf8));
  assert.equal(windowed(nullable(utf8), 5), windowed(nullable(utf8), 5));
  assert.notEqual(windowed(utf8, 5), windowed(utf8, 6));
  assert.equal(sessionWindowed(utf8), sessionWindowed(utf8));
});

it("declares when what the application folds is forwarded, over all time and in windows", () => {
  const builder = builderOf();
  const grouped = source(builder, utf8, utf8).groupByKey();
  const [onClose, onCommit] = [EmitStrategy.onWindowClose(), EmitStrategy.onCommit()];
  const concat = (one: string, two: string): string => one + two;
  grouped.emitStrategy(onCommit).reduce(concat, { name: "all" });
  for (const [name, windows] of [
    ["tumbling", tumbling(5)],
    ["hopping", hopping(6, { advance: 3 })],
    ["sliding", sliding(7)],
  ] as const) {
    const windowed = grouped.windowedBy(windows).emitStrategy(onClose);
    windowed.aggregate(
      () => "",
      (_, value, folded) => folded + value,
      { name, value: utf8 },
    );
  }
  grouped.windowedBy(session(5)).emitStrategy(onClose).reduce(concat, { name: "session" });
  grouped.reduce(concat, { name: "each" });
  const emits = builder.build().nodes.flatMap(({ name, kind }) => {
    return kind.case === "aggregate" ? [[name, kind.value.aggregator, kind.value.emit]] : [];
  });
  const closing = ["tumbling", "hopping", "sliding", "session"].map((name) => {
    return [name, Aggregator.APPLICATION, Declared.ON_WINDOW_CLOSE];
  });
  assert.deepEqual(emits, [
    ["all", Aggregator.APPLICATION, Declared.ON_COMMIT],
    ...closing,
    ["each", Aggregator.APPLICATION, Declared.UNSPECIFIED],
  ]);
});
