import type { ProcessedRecord } from "./record.ts";
import type { KStream } from "./streams.ts";
import { Operation } from "./topology.ts";
import { type StreamOf, serdesOf, type Upstream } from "./upstream.ts";

type Predicate<K, V> = (record: ProcessedRecord<K, V>) => boolean;

/** No branch yet. */
export type NoBranches = Readonly<Record<never, never>>;

type With<B, N extends string, K, V> = B & Readonly<Record<N, KStream<K, V>>>;

/**
 * A stream on its way into branches: each record goes to the first whose predicate holds. A branch without a
 * name is named by its number, from 1 on, and a default branch `0`, as Kafka Streams does.
 */
export class BranchedKStream<K, V, B = NoBranches> {
  /** The branching node. */
  readonly #upstream: Upstream;
  readonly #predicates: Predicate<unknown, unknown>[];
  readonly #streamOf: StreamOf;
  readonly #branches = new Map<string, KStream<unknown, unknown>>();
  #isComplete = false;

  constructor(upstream: Upstream, predicates: Predicate<unknown, unknown>[], streamOf: StreamOf) {
    this.#upstream = upstream;
    this.#predicates = predicates;
    this.#streamOf = streamOf;
  }

  /** The next branch. Its name is part of its node's, `<split>-<name>`, and stands in the result. */
  branch<K2 extends K, V2 extends V, N extends string = string>(
    predicate: (record: ProcessedRecord<K, V>) => record is ProcessedRecord<K2, V2>,
    name?: N,
  ): BranchedKStream<K, V, With<B, N, K2, V2>>;
  branch<N extends string = string>(
    predicate: Predicate<K, V>,
    name?: N,
  ): BranchedKStream<K, V, With<B, N, K, V>>;
  branch(predicate: Predicate<K, V>, name?: string): BranchedKStream<K, V, B> {
    this.#add(name ?? String(this.#branches.size + 1), predicate);
    return this;
  }

  /** What none of the branches takes, and all branches by name. */
  defaultBranch<N extends string = "0">(name?: N): With<B, N, K, V> {
    this.#add(name ?? "0", () => true);
    return this.noDefaultBranch() as With<B, N, K, V>;
  }

  /** All branches by name; what none of them takes goes nowhere. */
  noDefaultBranch(): B {
    this.#isComplete = true;
    return Object.fromEntries(this.#branches) as B;
  }

  #add(name: string, predicate: Predicate<K, V>): void {
    const { builder, nodes, serdes } = this.#upstream;
    const [split = ""] = nodes;
    if (this.#isComplete) throw new Error(`the branches of "${split}" are complete already`);
    const node = builder.add({
      name: `${split}-${name}`,
      kind: { case: "function", value: { operation: Operation.PEEK } },
      parents: nodes,
      input: serdesOf(this.#upstream),
      code: (record, emitter) => emitter.pass(record),
    });
    this.#predicates.push(predicate as Predicate<unknown, unknown>);
    this.#branches.set(name, this.#streamOf({ builder, nodes: [node], serdes }));
  }
}
