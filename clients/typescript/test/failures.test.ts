import assert from "node:assert/strict";
import { it } from "node:test";
import { NotReadyError } from "../src/errors.ts";
import { DeadLetter, type FailurePolicy, Park, RetryLater, StopTask } from "../src/failures.ts";
import { type Failure, Verdict } from "../src/gen/outrigger/v1/processor_pb.ts";
import { Exhausted } from "../src/gen/outrigger/v1/topology_pb.ts";
import { type Serde, utf8 } from "../src/serdes.ts";
import type { KStream } from "../src/streams.ts";
import { tumbling } from "../src/windows.ts";
import { FakeSidecar, outputsOf, segment, source, text } from "./fake-sidecar.ts";

const SINK = { key: utf8, value: utf8 };
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const refusing: Serde<string> = {
  ...utf8,
  deserialize: () => {
    throw new DeadLetter("poison");
  },
};

function raise(error: unknown): never {
  throw error;
}

/** How one record fails in a topology whose entry is "p" and whose sink is "out". */
async function failureIn(
  build: (stream: KStream<string, string>) => KStream<string, string>,
  value: Serde<string> = utf8,
): Promise<Failure> {
  const sidecar = new FakeSidecar();
  build(source(sidecar.builder, utf8, value)).to("topic-out", SINK, { name: "out" });
  sidecar.welcome({ entries: ["p"], sinks: ["out"], stores: ["s"] });
  sidecar.batch({ segments: [segment([["a", "1"]])], states: [{ values: [text("")] }] });
  const result = await sidecar.result();
  assert.deepEqual([result.done, outputsOf(result)], [0, []]);
  assert.ok(result.failure, "it has failed");
  return result.failure;
}

const passing = (stream: KStream<string, string>): KStream<string, string> =>
  stream.process<string, string>((record, ctx) => ctx.forward(record), { name: "p" });

it("a failure names the innermost node whose code failed", async () => {
  const below = (stream: KStream<string, string>, error: unknown): KStream<string, string> =>
    stream.mapValues<string>(() => raise(error), { name: "below" });
  const inTurn: [string, (stream: KStream<string, string>) => KStream<string, string>][] = [
    ["p", (s) => s.map<string, string>(() => raise(new Error("mapper")), { name: "p" })],
    ["p", (s) => s.filter(() => raise("no error at all"), { name: "p" })],
    ["below", (s) => below(passing(s), new Error("down"))],
    [
      "p", // What it forwarded went well, and it failed after having waited.
      (s) =>
        s
          .process<string, string>(
            async (record, ctx) => {
              ctx.forward(record);
              await soon();
              raise(new Error("late"));
            },
            { name: "p" },
          )
          .mapValues((value) => value, { name: "below" }),
    ],
    [
      "p", // Although a handler below is under way by then, and fails too.
      (s) =>
        s
          .process<string, string>(
            (record, ctx) => {
              ctx.forward(record);
              raise(new Error("first"));
            },
            { name: "p" },
          )
          .process<string, string>(() => soon().then(() => raise(new Error("second"))), {
            name: "below",
          }),
    ],
    [
      "below",
      (s) =>
        passing(s).process<string, string>(() => soon().then(() => raise(new Error("async"))), {
          name: "below",
        }),
    ],
    [
      "below", // The error that came from there is the cause of what is told.
      (s) =>
        below(
          s.process<string, string>(
            (record, ctx) => {
              try {
                ctx.forward(record);
              } catch (cause: unknown) {
                throw new Error("wrapped", { cause });
              }
            },
            { name: "p" },
          ),
          new Error("down"),
        ),
    ],
    ["out", (s) => passing(s).mapValues(() => Symbol("none") as unknown as string)],
  ];
  for (const [node, build] of inTurn) assert.equal((await failureIn(build)).node, node);
  assert.equal((await failureIn(passing, refusing)).node, "p", "what an entry cannot read");
});

it("a failure names the sink whose serde waited in vain", async () => {
  const waiting: Serde<string> = {
    ...utf8,
    serialize: () => {
      throw new NotReadyError(
        "no schema yet",
        soon().then(() => raise(new Error("none"))),
      );
    },
  };
  const sidecar = new FakeSidecar();
  const stream = source(sidecar.builder, utf8, utf8).mapValues((value) => value, { name: "p" });
  stream.to("topic-out", { key: utf8, value: waiting }, { name: "out" });
  sidecar.welcome({ entries: ["p"], sinks: ["out"] });
  sidecar.batch({ segments: [segment([["a", "1"]])] });
  const { failure } = await sidecar.result();
  assert.deepEqual([failure?.message, failure?.node], ["none", "out"]);
});

it("a failure names an aggregate that folds on after what it forwarded has waited", async () => {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .groupByKey()
    .windowedBy(tumbling("1m"))
    .aggregate(
      () => "",
      (_, value, sum: string) => (sum === "bad" ? raise(new Error("second slot")) : value),
      { name: "fold", store: "s", value: utf8 },
    )
    .process(() => soon(), { name: "below" });
  sidecar.welcome({ entries: ["fold"], stores: ["s"] });
  const values = [text("good"), text("bad")];
  sidecar.batch({ segments: [segment([["a", "1"]])], states: [{ values, slotCounts: [2] }] });
  const { failure } = await sidecar.result();
  assert.deepEqual([failure?.message, failure?.node], ["second slot", "fold"]);
});

it("a record fails with what it forwarded, even where its handler thinks nothing of it", async () => {
  const failure = await failureIn((stream) =>
    stream
      .process<string, string>(
        (record, ctx) => {
          try {
            ctx.forward(record);
          } catch {
            ctx.forward(record);
          }
        },
        { name: "p" },
      )
      .process<string, string>(
        (record, ctx) => {
          ctx.forward(record);
          raise(new StopTask("half done"));
        },
        { name: "below" },
      ),
  );
  assert.deepEqual([failure.message, failure.node], ["half done", "below"]);
  assert.equal(failure.verdict, Verdict.FAIL);
});

it("verdicts: are told as the protocol has them, also as the cause of another error", async () => {
  const told = async (error: unknown): Promise<unknown> => {
    const { type, verdict, retryAfterMs } = await failureIn((stream) =>
      stream.map<string, string>(() => raise(error), { name: "p" }),
    );
    return [type, verdict, retryAfterMs];
  };
  const cause = new Error("why");
  const busy = new RetryLater("busy", { after: "1500ms", cause });
  assert.equal(busy.cause, cause);
  assert.deepEqual(await told(busy), ["RetryLater", Verdict.RETRY, 1_500n]);
  assert.deepEqual(await told(new RetryLater("busy")), ["RetryLater", Verdict.RETRY, undefined]);
  const never = new DeadLetter("never", { cause });
  assert.deepEqual(await told(never), ["DeadLetter", Verdict.DEAD_LETTER, undefined]);
  assert.deepEqual(await told(new Park("not now")), ["Park", Verdict.PARK, undefined]);
  assert.deepEqual(await told(new StopTask("halt")), ["StopTask", Verdict.FAIL, undefined]);
  const wrapped = new Error("wrapped", { cause: busy });
  assert.deepEqual(await told(wrapped), ["Error", Verdict.RETRY, 1_500n]);
  const outermost = new DeadLetter("no more", { cause: busy });
  assert.deepEqual(await told(outermost), ["DeadLetter", Verdict.DEAD_LETTER, undefined]);
  assert.deepEqual(await told(cause), ["Error", Verdict.UNSPECIFIED, undefined]);
  const circle = new Error("circle");
  circle.cause = circle;
  assert.deepEqual(await told(circle), ["Error", Verdict.UNSPECIFIED, undefined]);
});

it("verdicts: a serde may give one, of a record that it cannot read", async () => {
  const { type, verdict } = await failureIn(passing, refusing);
  assert.deepEqual([type, verdict], ["TypeError", Verdict.DEAD_LETTER]);
});

it("verdicts: a pause that is none is refused where it is made", () => {
  assert.throws(() => new RetryLater("busy", { after: -1 }), /"-1" is no duration/);
});

it("a failure's texts are cut between characters, at 4 KiB, and need not be there at all", async () => {
  const thrown = async (error: unknown): Promise<Failure> =>
    await failureIn((stream) => stream.filter(() => raise(error), { name: "p" }));
  const long = await thrown(new Error("ä€".repeat(4_000)));
  assert.equal(Buffer.byteLength(long.message), 4_095);
  assert.match(long.message, /€$/);
  assert.ok(Buffer.byteLength(long.stack) <= 4_096);
  assert.equal((await thrown(Object.create(null))).message, "(it has no text)");
  const nameless = Object.assign(new Error("nameless"), { name: "" });
  assert.equal((await thrown(nameless)).type, "Error");
});

it("failure policies: go with every node that has code", () => {
  const sidecar = new FakeSidecar();
  const failurePolicy: FailurePolicy = {
    retry: { max: 0, initial: "250ms", factor: 1.5, maxDelay: "1m", jitter: 0 },
    exhausted: "skip",
  };
  const stream = source(sidecar.builder, utf8, utf8);
  stream.process(() => {}, { failurePolicy });
  stream.map((record) => record, { failurePolicy });
  stream.mapValues((value) => value, { failurePolicy });
  stream.filter(() => true, { failurePolicy });
  const fold = { value: utf8, failurePolicy };
  stream.groupByKey().aggregate(String, () => "", fold);
  stream
    .groupByKey()
    .windowedBy(tumbling("1m"))
    .aggregate(String, () => "", fold);
  stream.map((record) => record);
  const [, ...nodes] = sidecar.builder.build().nodes;
  const policies = nodes.map(({ kind }) =>
    kind.case === "function" || kind.case === "aggregate" ? kind.value.failurePolicy : undefined,
  );
  assert.equal(policies.pop(), undefined, "nothing is said where nothing was");
  assert.equal(policies.length, 6);
  for (const policy of policies) {
    assert.deepEqual(
      [policy?.retryMax, policy?.retryInitialMs, policy?.retryFactor],
      [0, 250n, 1.5],
    );
    assert.deepEqual(
      [policy?.retryMaxDelayMs, policy?.retryJitter, policy?.exhausted],
      [60_000n, 0, Exhausted.SKIP],
    );
  }
  const refused = { failurePolicy: { retry: { max: 1.5 } } };
  assert.throws(() => stream.filter(() => true, refused), /retry.max 1.5: give a number from 0 on/);
});
