import type { MutationColumns } from "../../../src/model/rows.ts";
import { stagesOf } from "../../../src/model/steps.ts";
import type {
  DeclaredNode,
  DeclaredTopology,
  Program,
  Stage,
} from "../../../src/model/topology.ts";
import { valueAt } from "../../../src/model/value-columns.ts";
import type { BatchAnswer, DispatchedBatch } from "../../../src/ports/application.ts";

/** What a node's code makes of a record: values by child, in order; keys stay. */
export type Forward = (key: string | null, value: string | null) => void;

export function hashOf(text: string | null): number {
  let hash = 7;
  for (const char of text ?? "null") hash = (Math.imul(hash, 31) + char.charCodeAt(0)) >>> 0;
  return hash;
}

/**
 * The code of a function node: pure, and of its value alone. `children` are the node's; `state` counts rows
 * by key for those that have a store.
 */
export function runFunction(
  node: DeclaredNode & { kind: "function" },
  children: readonly string[],
  key: string | null,
  value: string | null,
  count: () => number,
  forward: (child: string, key: string | null, value: string | null) => void,
): void {
  const toAll = (next: string | null): void => {
    for (const child of children) forward(child, key, next);
  };
  const hash = hashOf(`${node.name}${value}`);
  switch (node.operation) {
    case "filter":
      if (hash % 3 > 0) toAll(value);
      return;
    case "flatMapValues":
      for (let row = 0; row < hash % 3; row++) toAll(`${hash % 97}.${row}`);
      return;
    case "branch": {
      const child = children[hash % (children.length + 1)];
      if (child !== undefined) forward(child, key, value);
      return;
    }
    case "processValues":
      toAll(String(count()));
      return;
    default:
      toAll(hash % 5 === 0 ? null : `${hash % 89}${node.name}`);
  }
}

/** What an aggregation forwards of what it keeps: the very same where it is forwarded once. */
export function saidOf({ emit }: DeclaredNode & { kind: "aggregate" }, folded: number): string {
  return emit === undefined ? `a${folded}` : `${folded}`;
}

/** What an application of this topology answers, stage by stage, as an SDK would. */
export class GraphCode {
  readonly #nodes: ReadonlyMap<string, DeclaredNode>;
  readonly #children = new Map<string, string[]>();
  readonly #stages: readonly Stage[];
  readonly #stores: readonly string[];
  /** Throws where a record is to fail. */
  readonly #before: (node: string, batch: DispatchedBatch) => void;

  constructor(
    declared: DeclaredTopology,
    program: Program,
    before: (node: string, batch: DispatchedBatch) => void,
  ) {
    this.#nodes = new Map(declared.nodes.map((node) => [node.name, node]));
    for (const { name, parents } of declared.nodes) {
      this.#children.set(name, []);
      for (const parent of parents) this.#children.get(parent)?.push(name);
    }
    this.#stages = stagesOf(program);
    this.#stores = program.stores.map(({ name }) => name);
    this.#before = before;
  }

  answer(batch: DispatchedBatch): BatchAnswer {
    const stage = this.#stages[batch.stage];
    if (stage === undefined) throw new Error(`there is no stage ${batch.stage}`);
    const run = new StageRun(batch, stage, this.#stores);
    for (const { columns, from, to } of batch.rows) {
      for (let row = from; row < to; row++) {
        const key = columns.key(row)?.toString("latin1") ?? null;
        const value = columns.value(row)?.toString("latin1") ?? null;
        try {
          for (const entry of stage.entries) this.#run(entry, key, value, run, batch);
        } catch (error: unknown) {
          return run.finish(error instanceof Error ? error : new Error("no error"));
        }
        run.keep();
      }
    }
    return run.finish(null);
  }

  #run(
    name: string,
    key: string | null,
    value: string | null,
    run: StageRun,
    batch: DispatchedBatch,
  ): void {
    const node = this.#nodes.get(name);
    const children = this.#children.get(name) ?? [];
    const forward = (child: string, nextKey: string | null, next: string | null): void => {
      if (!run.output(child, nextKey, next)) this.#run(child, nextKey, next, run, batch);
    };
    this.#before(name, batch);
    if (node?.kind === "function") {
      const [store = ""] = node.stores;
      const count = (): number => run.add(store, run.slotsOf(store)[0] ?? -1);
      runFunction(node, children, key, value, count, forward);
      return;
    }
    if (node?.kind !== "aggregate") throw new Error(`${name} does not run here`);
    if (node.windows === null && value === null) return;
    for (const slot of run.slotsOf(node.store)) {
      const folded = run.add(node.store, slot);
      const said = saidOf(node, folded);
      for (const child of children) forward(child, run.keyOf(node.store, slot, key), said);
    }
  }
}

/** One batch at one stage: outputs and counts, undone for the row that fails. */
class StageRun {
  readonly #batch: DispatchedBatch;
  readonly #stage: Stage;
  readonly #names: readonly string[];
  readonly #texts: Buffer[] = [];
  readonly #outputs: { row: number; sink: number; spans: number[] }[] = [];
  readonly #counts = new Map<string, number>();
  readonly #written = new Map<string, number>();
  #length = 0;
  #row = 0;
  #kept = 0;

  constructor(batch: DispatchedBatch, stage: Stage, stores: readonly string[]) {
    this.#batch = batch;
    this.#stage = stage;
    this.#names = stage.stores.map(({ store }) => stores[store] ?? "");
  }

  slotsOf(store: string): number[] {
    const state = this.#batch.states[this.#names.indexOf(store)];
    if (state === undefined) return [];
    const { slots, slotCounts } = state;
    if (slotCounts === null) return [slots[this.#row] ?? -1];
    const from = slotCounts.subarray(0, this.#row).reduce((sum, count) => sum + count, 0);
    return [...slots.subarray(from, from + (slotCounts[this.#row] ?? 0))];
  }

  /** One more of a slot; a record without a key has none. */
  add(store: string, slot: number): number {
    if (slot < 0) return 0;
    const name = `${this.#names.indexOf(store)} ${slot}`;
    const state = this.#batch.states[this.#names.indexOf(store)];
    const before = this.#written.get(name) ?? this.#counts.get(name);
    const found = state === undefined ? null : valueAt(state.values, slot);
    const next = (before ?? Number(found?.toString("latin1") ?? "0")) + 1;
    this.#written.set(name, next);
    return next;
  }

  keyOf(store: string, slot: number, key: string | null): string | null {
    const starts = this.#batch.states[this.#names.indexOf(store)]?.windowStarts ?? null;
    if (starts === null) return key;
    const start = Buffer.alloc(8);
    start.writeBigInt64BE(BigInt(starts[slot] ?? 0));
    return `${key}${start.toString("latin1")}`;
  }

  /** False where the child is not outside the stage. */
  output(child: string, key: string | null, value: string | null): boolean {
    const sink = this.#stage.exits.findIndex(({ node }) => node === child);
    if (sink < 0) return false;
    this.#outputs.push({ row: this.#row, sink, spans: [...this.#put(key), ...this.#put(value)] });
    return true;
  }

  keep(): void {
    for (const [slot, value] of this.#written) this.#counts.set(slot, value);
    this.#written.clear();
    this.#kept = this.#outputs.length;
    this.#row += 1;
  }

  finish(error: Error | null): BatchAnswer {
    const kept = this.#outputs.slice(0, this.#kept);
    const mutations = this.#names.flatMap((_, store) => this.#mutations(store));
    const bytes = Buffer.concat(this.#texts);
    const { taskName, taskEpoch, dispatchId } = this.#batch;
    const said = { type: "Error", stack: "", node: "", verdict: { kind: "policy" } } as const;
    return {
      ...{ taskName, taskEpoch, dispatchId, done: this.#row },
      failure: error === null ? null : { ...said, message: error.message },
      outputs: {
        count: kept.length,
        bytes,
        inputs: Int32Array.from(kept.map(({ row }) => row)),
        sinks: Int32Array.from(kept.map(({ sink }) => sink)),
        positions: Int32Array.from(kept.flatMap(({ spans }) => spans)),
        timestamps: null,
        headers: null,
      },
      mutations: mutations.map((mutation) => ({ ...mutation, bytes })),
    };
  }

  #mutations(store: number): Omit<MutationColumns, "bytes">[] {
    const own = [...this.#counts].filter(([name]) => name.startsWith(`${store} `));
    if (own.length === 0) return [];
    const slots = Int32Array.from(own.map(([name]) => Number(name.split(" ")[1])));
    const values = Int32Array.from(own.flatMap(([, value]) => this.#put(String(value))));
    return [{ store, slots, keys: new Int32Array(), values }];
  }

  #put(text: string | null): [number, number] {
    if (text === null) return [0, -1];
    const bytes = Buffer.from(text, "latin1");
    this.#texts.push(bytes);
    this.#length += bytes.length;
    return [this.#length - bytes.length, bytes.length];
  }
}
