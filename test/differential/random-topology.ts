import { Dice, randomData } from "./random-data.ts";
import type { Case, NodeSpec, StatelessOp, ValueType, WindowSpec } from "./topology.ts";

/** `plain`: what every sidecar runs; `any`: all operations, as far as the sidecar has learnt them. */
export type Reach = "plain" | "any";

const RECORDS = 60;

/** A topology and its input, decided by the seed. */
export function randomCase(seed: number, reach: Reach): Case {
  const dice = new Dice(seed * 2 + (reach === "any" ? 1 : 0));
  const path = new Path(dice, reach, reach === "any" && seed % 3 === 0);
  path.source();
  const shape = dice.next(reach === "any" ? 4 : 3);
  if (shape === 0) path.stateless(1 + dice.next(4));
  if (shape === 1) path.processors();
  if (shape === 2) path.aggregate();
  if (shape === 3) path.severalHops();
  path.sinks();
  return {
    name: `random ${reach} ${seed}`,
    ...(reach === "any" ? { needs: "any operation" } : {}),
    isUnseen: true,
    nodes: path.nodes,
    input: randomData(seed, RECORDS),
  };
}

/** Grows a topology from its source on, minding which functions the types allow. */
class Path {
  readonly nodes: NodeSpec[] = [];
  readonly #dice: Dice;
  readonly #reach: Reach;
  /** Windows are forwarded when they close. */
  readonly #isFinal: boolean;
  #last = "";
  #type: ValueType = "text";
  #isWindowed = false;
  #stores = 0;

  constructor(dice: Dice, reach: Reach, isFinal: boolean) {
    this.#dice = dice;
    this.#reach = reach;
    this.#isFinal = isFinal;
  }

  source(): void {
    this.#add((id) => ({ id, op: "source", topics: ["in"] }));
  }

  stateless(count: number): void {
    for (let made = 0; made < count; made++) this.#step(this.#dice.one(STEPS[this.#reach]));
  }

  processors(): void {
    this.stateless(this.#dice.next(3));
    for (let made = this.#dice.next(2); made >= 0; made--) {
      const fn = this.#dice.one(["countPerKey", "dedupe", "list", "range", "backwards"]);
      const store = this.#store();
      this.#add((id, from) => ({ id, op: "process", from, fn, store }));
    }
    this.stateless(this.#dice.next(3));
  }

  /** User code that drops nothing may stand before one of the application. */
  aggregate(): void {
    const isCount = this.#dice.chance(50);
    if (!isCount && this.#dice.chance(50)) this.#step(["mapValues", "exclaim"]);
    this.#grouped(isCount ? "count" : "aggregate");
    this.#readable();
    this.stateless(this.#dice.next(3));
  }

  severalHops(): void {
    this.stateless(this.#dice.next(2));
    for (let hops = 1 + this.#dice.next(2); hops > 0; hops--) {
      if (this.#dice.chance(50))
        this.#step(["selectKey", this.#dice.one(["firstLetter", "value"])]);
      this.#grouped(this.#dice.one(["count", "aggregate", "reduce"] as const));
      this.#readable();
      this.stateless(this.#dice.next(2));
    }
  }

  sinks(): void {
    const from = this.#last;
    this.nodes.push({ id: "sink", op: "to", from, topic: "out" });
    if (!this.#dice.chance(30)) return;
    this.#step(["mapValues", "exclaim"]);
    this.nodes.push({ id: "second", op: "to", from: this.#last, topic: "second" });
  }

  #grouped(op: "count" | "aggregate" | "reduce"): void {
    this.#add((id, from) => ({ id, op: "groupByKey", from }));
    if (this.#dice.chance(50)) {
      const windows = this.#windows();
      const emit = this.#isFinal ? { emit: "onWindowClose" as const } : {};
      this.#add((id, from) => ({ id, op: "windowedBy", from, windows, ...emit }));
      this.#isWindowed = true;
    }
    const store = this.#store();
    const fn = this.#dice.one(
      op === "reduce" ? ["concat", "last"] : ["concat", "keyed", "dropOnX"],
    );
    this.#add((id, from) => {
      return op === "count" ? { id, op, from, store } : { id, op, from, fn, store };
    });
    this.#type = op === "count" ? "int64" : "text";
  }

  #windows(): WindowSpec {
    const kinds =
      this.#reach === "any"
        ? (["tumbling", "hopping", "session"] as const)
        : (["tumbling"] as const);
    const kind = this.#dice.one(kinds);
    const sizeMs = this.#dice.one([7, 300, 1_000, 5_000]);
    const graceMs = this.#dice.one([0, 1, 500, 10_000]);
    const advanceMs = kind === "hopping" ? { advanceMs: Math.ceil(sizeMs / 3) } : {};
    return { kind, sizeMs, ...advanceMs, graceMs };
  }

  /** Text under a key of text: what all other functions take. */
  #readable(): void {
    if (this.#isWindowed) this.#step(["map", "windowToText"]);
    else if (this.#type !== "text") this.#step(["mapValues", "asText"]);
    this.#isWindowed = false;
    this.#type = "text";
  }

  #step([op, fn]: readonly [StatelessOp, string]): void {
    this.#add((id, from) => ({ id, op, from, fn }));
  }

  #store(): string {
    this.#stores += 1;
    return `store-${this.#stores}`;
  }

  #add(make: (id: string, from: string) => NodeSpec): void {
    const id = `n${this.nodes.length}`;
    this.nodes.push(make(id, this.#last));
    this.#last = id;
  }
}

const PLAIN_STEPS: readonly (readonly [StatelessOp, string])[] = [
  ["mapValues", "upper"],
  ["mapValues", "exclaim"],
  ["mapValues", "withKey"],
  ["mapValues", "emptyToNull"],
  ["mapValues", "nullToEmpty"],
  ["mapValues", "length"],
  ["map", "swap"],
  ["map", "firstLetterKey"],
  ["filter", "keepEven"],
  ["filter", "hasKey"],
  ["filter", "hasValue"],
];

const STEPS: Readonly<Record<Reach, typeof PLAIN_STEPS>> = {
  plain: PLAIN_STEPS,
  any: [
    ...PLAIN_STEPS,
    ["selectKey", "value"],
    ["selectKey", "same"],
    ["flatMap", "twice"],
    ["flatMap", "wordsAsKeys"],
    ["flatMapValues", "splitWords"],
    ["flatMapValues", "twice"],
    ["filterNot", "startsWithA"],
    ["peek", "nothing"],
    ["processValues", "twice"],
  ],
};
