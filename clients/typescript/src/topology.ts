import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Emitter } from "./emitter.ts";
import {
  Aggregator,
  type NodeSchema,
  Operation,
  StoreKind,
  type StoreSchema,
  type Topology,
  TopologySchema,
} from "./gen/outrigger/v1/topology_pb.ts";
import type { StreamRecord } from "./record.ts";
import type { Serde } from "./serdes.ts";
import { isTimestamped, type StoreDefinition } from "./stores.ts";
import type { TimedCode } from "./timed.ts";

type Kind = NonNullable<MessageInitShape<typeof NodeSchema>["kind"]>;

/** What a node does with one record; a promise only where it must wait. */
export type NodeCode = (record: StreamRecord, emitter: Emitter) => void | Promise<void>;

/** A node, as far as this side knows it: built-in ones run in the sidecar. */
export interface TopologyNode {
  readonly name: string;
  readonly children: string[];
  /** How the records that reach this node are read and written, where they come or go over the wire. */
  readonly input: Serdes;
  /** null for nodes that never run here. */
  readonly code: NodeCode | null;
  /** Whether handlers ask for it by its name. */
  readonly isHook: boolean;
  /** The stores that `ctx.store` opens. */
  readonly stores: readonly string[];
  /** The store of an aggregate that runs here. */
  readonly aggregates: string | null;
  /** What a clock calls; null where none does. */
  readonly timed: TimedCode | null;
}

export interface Serdes {
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
}

const TIMERS_SINCE_MINOR = 6;

/** The topology under construction: what is declared to the sidecar, and the code that runs here. */
export class TopologyBuilder {
  readonly nodes = new Map<string, TopologyNode>();
  /** For sources, sinks and groupings that name no serdes. */
  readonly #defaults: Serdes;
  readonly #declared: MessageInitShape<typeof NodeSchema>[] = [];
  readonly #hooks: MessageInitShape<typeof NodeSchema>[] = [];
  readonly #stores = new Map<string, MessageInitShape<typeof StoreSchema>>();

  constructor(defaults: Serdes) {
    this.#defaults = defaults;
  }

  /** What was named, and the application's defaults for what was not. */
  serdes({ key, value }: { readonly key?: unknown; readonly value?: unknown }): Serdes {
    return {
      key: (key as Serde<unknown> | null | undefined) ?? this.#defaults.key,
      value: (value as Serde<unknown> | null | undefined) ?? this.#defaults.value,
    };
  }

  /** Adds a node under its parents; `name` is made unique where it was not given. */
  add(node: {
    readonly name: string | undefined;
    readonly kind: Kind;
    readonly parents: readonly string[];
    readonly input: Serdes;
    readonly code?: NodeCode;
    readonly stores?: readonly string[];
    readonly aggregates?: string;
    readonly timed?: TimedCode | null;
  }): string {
    const name = this.#own(node.name ?? this.#freeName(node.kind.case ?? "node"));
    const {
      kind,
      parents,
      input,
      code = null,
      stores = [],
      aggregates = null,
      timed = null,
    } = node;
    this.#declared.push({ name, parents: [...parents], kind });
    const isHere = { input, code, stores, aggregates, timed, isHook: false };
    this.nodes.set(name, { name, children: [], ...isHere });
    for (const parent of parents) this.nodes.get(parent)?.children.push(name);
    return name;
  }

  /** Adds a hook: its code runs on the requests that handlers of `process` make by its name. */
  addHook(node: {
    readonly name: string;
    readonly kind: Kind;
    readonly serdes: Serdes;
    readonly code: NodeCode;
  }): void {
    const { kind, serdes, code } = node;
    const name = this.#own(node.name);
    this.#hooks.push({ name, kind });
    const nothing = { children: [], stores: [], aggregates: null, timed: null };
    this.nodes.set(name, { name, input: serdes, code, isHook: true, ...nothing });
  }

  addStore(name: string, kind: StoreKind, ttlMs = 0): void {
    const known = this.#stores.get(name);
    if (known !== undefined && (known.kind !== kind || known.ttlMs !== BigInt(ttlMs))) {
      throw new Error(`the store "${name}" is declared as two kinds: give one another name`);
    }
    this.#stores.set(name, { name, kind, ttlMs: BigInt(ttlMs) });
  }

  /** Declares a store that user code reads and writes. */
  addUserStore(store: StoreDefinition): void {
    if (!isTimestamped(store)) this.addStore(store.name, StoreKind.KEY_VALUE);
    else this.addStore(store.name, StoreKind.TIMESTAMPED_KEY_VALUE, store.ttlMs);
  }

  /** A name that stays the same as long as the order of the calls does. */
  storeName(given: string | undefined, what: string): string {
    return given ?? `${what}-store-${String(this.#stores.size + 1).padStart(2, "0")}`;
  }

  /** What it takes of the sidecar's protocol: an older one would leave timers out without a word. */
  get minorNeeded(): number {
    return [...this.nodes.values()].some(({ timed }) => timed !== null) ? TIMERS_SINCE_MINOR : 1;
  }

  build(): Topology {
    const parents = this.#declared.filter(isProcess).map(({ name = "" }) => name);
    const [hook] = this.#hooks;
    if (hook !== undefined && parents.length === 0) {
      throw new Error(`nothing can ask for the hook "${hook.name}": declare a process that does`);
    }
    const hooks = this.#hooks.map((declared) => ({ ...declared, parents }));
    const nodes = [...this.#declared, ...hooks];
    return create(TopologySchema, { nodes, stores: [...this.#stores.values()] });
  }

  #own(name: string): string {
    if (this.nodes.has(name)) {
      throw new Error(`two nodes are named "${name}": give one another name`);
    }
    return name;
  }

  #freeName(what: string): string {
    return `${what}-${String(this.nodes.size + 1).padStart(2, "0")}`;
  }
}

function isProcess({ kind }: MessageInitShape<typeof NodeSchema>): boolean {
  return kind?.case === "function" && kind.value.operation === Operation.PROCESS;
}

export { Aggregator, Operation, StoreKind };
