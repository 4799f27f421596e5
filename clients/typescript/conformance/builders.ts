import {
  type App,
  BufferConfig,
  EmitStrategy,
  hopping,
  int32,
  int64,
  type KStream,
  nullable,
  type ProcessedRecord,
  type ProcessorContext,
  Suppressed,
  session,
  sliding,
  timestampedKeyValueStore,
  tumbling,
  utf8,
  type Windowed,
} from "@outrigger/client";

/** The topologies of docs/sdks.md beside `process`: the builders' calls, each with little code behind it. */

type Text = string | null;

const text = nullable(utf8);
const results = { name: "results" };
const folding = { name: "fold", store: "folds", value: utf8 };

export function builders(app: App): Readonly<Record<string, () => void>> {
  const commands = (): KStream<Text, Text> =>
    app.stream("commands", { key: text, value: text }, { name: "commands" });
  return {
    stateless: () => stateless(commands()),
    aggregate: () => aggregate(commands()),
    windowed: () => windowed(commands()),
    count: () => count(commands()),
    operations: () => operations(commands()),
    branches: () => branches(commands()),
    merge: () => {
      const first = commands();
      merge(first, app.stream("others", { key: text, value: text }, { name: "others" }));
    },
    sum: () => sum(commands()),
    hopping: () => hoppingFold(commands()),
    sliding: () => slidingMax(commands()),
    "sliding-fold": () => slidingFold(commands()),
    session: () => sessionFold(commands()),
    "session-count": () => sessionCount(commands()),
    "held-back": () => heldBack(commands()),
    emitted: () => emitted(commands()),
    "closing-fold": () => hoppingFold(commands(), EmitStrategy.onWindowClose()),
    "committing-fold": () => reduce(commands(), EmitStrategy.onCommit()),
    reduce: () => reduce(commands()),
    repartition: () => repartition(commands()),
    regroup: () => regroup(commands()),
    timestamped: () => timestamped(commands()),
    chosen: () => chosen(commands()),
    timers: () => timers(commands()),
  };
}

type Commands = KStream<Text, Text>;

function stateless(commands: Commands): void {
  commands
    .filter(({ value }) => value !== null && !value.startsWith("drop"), { name: "keep" })
    .mapValues(upperCase, { name: "upper" })
    .map(({ key, value }) => ({ key: value, value: key }), { name: "swap" })
    .to("results", { key: text, value: text }, results);
}

function aggregate(commands: Commands): void {
  commands
    .groupByKey()
    .aggregate(() => "", append, folding)
    .to("results", { key: text, value: utf8 }, results);
}

function windowed(commands: Commands): void {
  commands
    .groupByKey()
    .windowedBy(tumbling("1m"))
    .aggregate(() => "", append, folding)
    .map(({ key, value }) => ({ key: named(key), value }), { name: "unwindow" })
    .to("results", { key: utf8, value: utf8 }, results);
}

function count(commands: Commands): void {
  commands
    .groupByKey()
    .windowedBy(tumbling("1m"))
    .count({ name: "count", store: "counts" })
    .map(({ key, value }) => ({ key: named(key), value: String(value) }), { name: "unwindow" })
    .to("results", { key: utf8, value: utf8 }, results);
}

function heldBack(commands: Commands): void {
  const buffer = BufferConfig.emitEarlyWhenFull({ maxRecords: 1_000, maxBytes: 65_536 });
  commands
    .groupByKey()
    .windowedBy(tumbling("1m"))
    .count({ name: "count", store: "counts" })
    .suppress(Suppressed.untilTimeLimit("30s", buffer), { name: "hold" })
    .map(({ key, value }) => ({ key: named(key), value: String(value) }), { name: "unwindow" })
    .to("results", { key: utf8, value: utf8 }, results);
}

function emitted(commands: Commands): void {
  commands
    .groupByKey()
    .windowedBy(tumbling("1m"))
    .emitStrategy(EmitStrategy.onWindowClose())
    .count({ name: "count", store: "counts" })
    .map(({ key, value }) => ({ key: named(key), value: String(value) }), { name: "unwindow" })
    .to("results", { key: utf8, value: utf8 }, results);
}

function operations(commands: Commands): void {
  commands
    .filterNot(({ value }) => value?.startsWith("drop") ?? true, { name: "drop" })
    .peek(({ value }) => mayFail(value), { name: "seen" })
    .selectKey(({ value }): Text => value?.split(":")[0] ?? null, { name: "rekey" })
    .flatMapValues((value): Text[] => value?.split(" ") ?? [], { name: "words" })
    .flatMap(bothWays, { name: "twice" })
    .processValues<Text>(
      (record, ctx) => {
        ctx.forward({ value: upperCase(record.value) });
        ctx.forward({ ...record, timestamp: record.timestamp + 1 });
      },
      { name: "stamp" },
    )
    .to("results", { key: text, value: text }, results);
}

function bothWays({ key, value }: ProcessedRecord<Text, Text>) {
  return [
    { key, value },
    { key: value, value: key },
  ];
}

function branches(commands: Commands): void {
  const { long, a, rest } = commands
    .split({ name: "route" })
    .branch(({ value }) => value !== null && value.length > 3, "long")
    .branch(({ value }) => value?.startsWith("a") ?? false, "a")
    .defaultBranch("rest");
  const marked = a.mapValues(mark, { name: "mark" });
  const { b } = rest
    .split({ name: "last" })
    .branch(({ value }) => value?.startsWith("b") ?? false, "b")
    .noDefaultBranch();
  long.merge(marked).merge(b).to("results", { key: text, value: text }, results);
}

function merge(commands: Commands, others: Commands): void {
  commands
    .merge(commands.mapValues(mark, { name: "mark" }))
    .merge(others)
    .mapValues(upperCase, { name: "upper" })
    .to("results", { key: text, value: text }, results);
}

function sum(commands: Commands): void {
  commands
    .mapValues((value) => (value === null ? null : BigInt(value.length)), { name: "length" })
    .groupByKey({ key: text, value: nullable(int64) })
    .sum({ number: "int64", name: "sum", store: "sums" })
    .mapValues((total) => String(total), { name: "text" })
    .to("results", { key: text, value: utf8 }, results);
}

function hoppingFold(commands: Commands, emit?: EmitStrategy): void {
  const windowed = commands
    .groupByKey()
    .windowedBy(hopping("1m", { advance: "20s", grace: "10s" }));
  (emit === undefined ? windowed : windowed.emitStrategy(emit))
    .aggregate(() => "", append, folding)
    .map(({ key, value }) => ({ key: named(key), value }), { name: "unwindow" })
    .to("results", { key: utf8, value: utf8 }, results);
}

function slidingMax(commands: Commands): void {
  commands
    .mapValues((value) => value?.length ?? null, { name: "length" })
    .groupByKey({ key: text, value: nullable(int32) })
    .windowedBy(sliding("1m", { grace: "5s" }))
    .max({ number: "int32", name: "max", store: "maxima" })
    .map(({ key, value }) => ({ key: named(key), value: String(value) }), { name: "unwindow" })
    .to("results", { key: utf8, value: utf8 }, results);
}

function slidingFold(commands: Commands): void {
  commands
    .groupByKey()
    .windowedBy(sliding("1m", { grace: "5s" }))
    .aggregate(() => "", append, folding)
    .map(({ key, value }) => ({ key: named(key), value }), { name: "unwindow" })
    .to("results", { key: utf8, value: utf8 }, results);
}

function sessionFold(commands: Commands): void {
  commands
    .groupByKey()
    .windowedBy(session("1m", { grace: "10s" }))
    .aggregate<Text>(
      () => "(",
      (key, value, folded) => (value === "end" ? null : append(key, value, folded ?? "")),
      (_key, one, two) => `${one}${two})`,
      { ...folding, value: text },
    )
    .map(({ key, value }) => ({ key: named(key), value }), { name: "unwindow" })
    .to("results", { key: utf8, value: text }, results);
}

function sessionCount(commands: Commands): void {
  commands
    .groupByKey()
    .windowedBy(session("1m"))
    .count({ name: "count", store: "counts" })
    .map(({ key, value }) => ({ key: named(key), value: value?.toString() ?? null }), {
      name: "unwindow",
    })
    .to("results", { key: utf8, value: text }, results);
}

function reduce(commands: Commands, emit?: EmitStrategy): void {
  const grouped = commands.groupByKey();
  (emit === undefined ? grouped : grouped.emitStrategy(emit))
    .reduce((folded, value) => (value === "end" ? null : append(null, value, folded ?? "")), {
      name: "fold",
      store: "folds",
    })
    .to("results", { key: text, value: text }, results);
}

function repartition(commands: Commands): void {
  commands
    .map(({ key, value }) => ({ key: value, value: key }), { name: "swap" })
    .repartition({ name: "by-value", partitions: 3, key: text, value: text })
    .mapValues(upperCase, { name: "upper" })
    .to("results", { key: text, value: text }, results);
}

function regroup(commands: Commands): void {
  commands
    .groupBy(({ value }) => value, { key: text, value: text, name: "by-value" })
    .aggregate(() => "", append, folding)
    .to("results", { key: text, value: utf8 }, results);
}

const seen = timestampedKeyValueStore("seen", { key: utf8, value: utf8, ttl: "1m" });

function timestamped(commands: Commands): void {
  commands
    .process<Text, Text>(remember, { name: "remember", stores: [seen] })
    .to("results", { key: text, value: text }, results);
}

async function remember(
  { key: given, value }: ProcessedRecord<Text, Text>,
  ctx: ProcessorContext<Text, Text>,
): Promise<void> {
  const key = given ?? "";
  const store = ctx.store(seen);
  const [, order, prefix] = /^(prefix|reverse):(.*)$/.exec(value ?? "") ?? [];
  if (prefix !== undefined) {
    const found: string[] = [];
    for await (const [name, entry] of store.prefix(prefix, { reverse: order === "reverse" })) {
      found.push(`${name}=${entry.value}@${entry.timestamp}`);
    }
    ctx.forward({ key, value: found.join(",") });
    return;
  }
  const before = await store.get(key);
  if (value === null) store.delete(key);
  else if (value === "fixed") store.put(key, value, 5);
  else store.put(key, value);
  ctx.forward({
    key,
    value: before === undefined ? "none" : `${before.value}@${before.timestamp}`,
  });
}

function chosen(commands: Commands): void {
  const topics = ["results", "others"];
  commands.to(({ value }) => value ?? "", { topics, key: text, value: text, name: "choose" });
}

/** The value says what is to be done with timers of the record's key: see docs/sdks.md. */
function timers(commands: Commands): void {
  commands
    .process<Text, Text>(
      ({ value }, ctx) => {
        for (const action of value?.split("; ") ?? []) {
          const [what, name = "", ...rest] = action.split(" ");
          const clock = rest.at(-1) === "wall" ? "wallClock" : "streamTime";
          if (what === "set") ctx.timers.set(name, Number(rest[0]), { clock });
          if (what === "delete") ctx.timers.delete(name, { clock });
          if (what === "fail") throw new Error("told to fail");
        }
      },
      {
        name: "wait",
        onTimer: ({ key, name, time, clock, idempotencyKey }, ctx) => {
          if (name === "fail") throw new Error(`fail ${key} ${idempotencyKey}`);
          if (name === "again") ctx.timers.set(name, time + 1_000, { clock });
          const value = `${name} ${time} ${clock === "wallClock" ? "wall" : "stream"}`;
          ctx.forward({ key, value });
        },
        punctuators: [
          {
            name: "beat",
            interval: "1m",
            clock: "wallClock",
            onPunctuate: (timestamp, ctx) => ctx.forward({ key: null, value: `beat ${timestamp}` }),
          },
        ],
      },
    )
    .to("results", { key: text, value: text }, results);
}

function append(_: Text, value: Text, folded: string): string {
  mayFail(value);
  return folded + (value ?? "");
}

function mayFail(value: Text): void {
  if (value === "fail") throw new Error("told to fail");
}

function mark(value: Text): Text {
  return `${value ?? ""}!`;
}

function upperCase(value: Text): Text {
  return value?.toUpperCase() ?? null;
}

function named({ key, window }: Windowed<Text>): string {
  return `${key}@${window.start}-${window.end}`;
}
