import type { FailurePolicy } from "./failure.ts";

/** The declared topology, as it comes out of the handshake; see `proto/outrigger/v1/topology.proto`. */
export interface DeclaredTopology {
  readonly nodes: readonly DeclaredNode[];
  readonly stores: readonly DeclaredStore[];
}

export type DeclaredNode = {
  readonly name: string;
  readonly parents: readonly string[];
} & NodeKind;

export type NodeKind =
  | {
      readonly kind: "source";
      readonly topics: readonly string[];
      /** What a whole name matches; left out where the topics are named. */
      readonly pattern?: string;
    }
  | {
      readonly kind: "function";
      readonly operation: Operation;
      readonly stores: readonly string[];
      readonly failurePolicy?: Partial<FailurePolicy>;
    }
  | {
      readonly kind: "aggregate";
      readonly store: string;
      readonly aggregator: Aggregator;
      /** null folds over all time. */
      readonly windows: Windows | null;
      /** What sum, min and max read and write. */
      readonly number?: NumberType;
      /** Of the name of its repartition topic; left out for the store's name. */
      readonly repartition?: string;
      readonly failurePolicy?: Partial<FailurePolicy>;
    }
  | { readonly kind: "sink"; readonly topic: string }
  | { readonly kind: "hook"; readonly failurePolicy?: Partial<FailurePolicy> }
  /** 0 partitions: as many as the most of the sources above. */
  | { readonly kind: "repartition"; readonly partitions: number };

export type Operation =
  | "process"
  | "map"
  | "mapValues"
  | "filter"
  | "selectKey"
  | "flatMap"
  | "flatMapValues"
  | "peek"
  | "branch"
  | "processValues";

export type Aggregator = "application" | "count" | "sum" | "min" | "max";

export type NumberType = "int64" | "float64" | "int32";

export type Windows = TimeWindows | SlidingWindows | SessionWindows;

/** Tumbling where the advance is the size, else hopping. */
export interface TimeWindows {
  readonly kind: "time";
  readonly sizeMs: number;
  readonly advanceMs: number;
  readonly graceMs: number;
}

export interface SlidingWindows {
  readonly kind: "sliding";
  readonly differenceMs: number;
  readonly graceMs: number;
}

export interface SessionWindows {
  readonly kind: "session";
  readonly gapMs: number;
  readonly graceMs: number;
}

export interface DeclaredStore {
  readonly name: string;
  readonly kind: StoreKind;
}

export type StoreKind = "keyValue" | "window" | "session";

/**
 * One sub-topology, compiled: its tasks read `sources` (equal partition counts), run `operators`
 * in order, hop once through `stage` where there is user code, and write `sinks`.
 */
export interface Program {
  readonly subtopology: number;
  /** What frames add to an index of this program: they count sources and stages over all programs. */
  readonly frame: { readonly source: number; readonly stage: number };
  /** Source topics, by the index that frames use. */
  readonly sources: readonly string[];
  /** Set where topics are subscribed to by pattern: `sources` then holds those that exist. */
  readonly pattern?: SourcePattern;
  /** Built-in nodes, in order; they run in the sidecar before the hop. */
  readonly operators: readonly Operator[];
  /** User code, fused; null for a topology that never leaves the sidecar. */
  readonly stage: Stage | null;
  /** Sink topics without a stage: what the last operator forwards to. */
  readonly directSinks: readonly string[];
  /** Every store of a task, with its changelog. Index = the store's number within the task. */
  readonly stores: readonly StoreSpec[];
  /** Where records can be parked; null where they cannot. */
  readonly parking: ParkingPlan | null;
  /** The hook whose requests it runs: its source is internal. Null for what the topology reads. */
  readonly hook: string | null;
}

/** What the group is told; brokers look for the topics, and for new ones. */
export interface SourcePattern {
  /** RE2, of a whole name. */
  readonly regex: string;
  /** Topics that are subscribed to by name beside it. */
  readonly topics: readonly string[];
}
/** The programs of a topology: first what it reads, then its hooks. */
export type Programs = readonly [Program, ...Program[]];

export interface ParkingPlan {
  /** Index into `Program.stores`. */
  readonly store: number;
  /** As many partitions as the sources; each task reads the one with its number. */
  readonly controlTopic: string;
}

/** A built-in aggregation, windowed or not. */
export interface Operator {
  readonly kind: Exclude<Aggregator, "application">;
  readonly node: string;
  /** Index into `Program.stores`. */
  readonly store: number;
  readonly windows: Windows | null;
  readonly takes?: TakenRows;
  /** What it reads and writes; left out for int64. */
  readonly number?: NumberType;
  /** Of its store: each value carries the latest time of its records. */
  readonly isTimestamped?: boolean;
}

/**
 * What an aggregation takes: every row with a key, or only those with a value too; Kafka Streams drops
 * a null value where there are no windows. Left out for stores that drop no row.
 */
export type TakenRows = "keyed" | "valued";

export interface Stage {
  /** Nodes that take the batch's rows. */
  readonly entries: readonly string[];
  /** Stores that batches carry, as indexes into `Program.stores`; order = the frame's index. */
  readonly stores: readonly StageStore[];
  /** Sinks and hooks, by the index that frames use. */
  readonly sinks: readonly StageSink[];
}

export interface StageSink {
  readonly node: string;
  /** Of a hook: the internal topic that keeps its requests. */
  readonly topic: string;
  /** A request keeps to the number of its record's partition, so that it keeps its place too. */
  readonly isHook: boolean;
}

/** How rows find their slots in a store that the stage's code uses. */
export interface StageStore {
  /** Index into `Program.stores`. */
  readonly store: number;
  /** Set for a windowed aggregate: rows are assigned to windows by the sidecar. */
  readonly windows: Windows | null;
  /** Set for an aggregate: rows that it does not take have no slot. */
  readonly takes?: TakenRows;
}

export interface StoreSpec {
  readonly name: string;
  readonly kind: StoreKind;
  /** Its entries are looked for by key and time: sessions, and windows that begin anywhere. */
  readonly isRanged?: boolean;
  /**
   * Of a windowed store: its entries are deleted when stream time is so many ms past their time, which is the
   * start of a window and the end of a session.
   */
  readonly retentionMs?: number;
  /**
   * Each value carries a time: `int64 ms | value` here, and in the changelog the time of its record, as
   * Kafka Streams' timestamped stores have it.
   */
  readonly isTimestamped?: boolean;
  /** `<application.id>-<name>-changelog`. */
  readonly changelogTopic: string;
}
