import type { FailurePolicy } from "./failure.ts";
import type { Punctuator, TimerNode } from "./timers.ts";

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
      /** Whether the code sets timers. */
      readonly timers?: boolean;
      readonly punctuators?: readonly Punctuator[];
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
      /** When it forwards; left out: each update. */
      readonly emit?: EmitStrategy;
      readonly failurePolicy?: Partial<FailurePolicy>;
    }
  | {
      readonly kind: "suppress";
      /** The buffer, a store of its own. */
      readonly store: string;
      readonly until: SuppressedUntil;
      readonly buffer: BufferConfig;
    }
  /** `shares`, of a cut alone: another sink of the same parents writes the topic. */
  | { readonly kind: "sink"; readonly topic: string; readonly shares?: true }
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

/** As Kafka Streams' EmitStrategy; `onCommit`: each key that a commit changed, once. */
export type EmitStrategy = "onWindowClose" | "onCommit";

export type SuppressedUntil =
  | { readonly kind: "windowCloses" }
  /** From the first update on; later ones take its place. */
  | { readonly kind: "timeLimit"; readonly waitMs: number };

/** What a buffer holds of one task at most; left out: any number. */
export interface BufferConfig {
  readonly maxRecords?: number;
  readonly maxBytes?: number;
  readonly whenFull: "emitEarly" | "shutDown";
}

export interface DeclaredStore {
  readonly name: string;
  readonly kind: StoreKind;
  /** Of a key-value store: its values carry a timestamp. */
  readonly isTimestamped?: boolean;
  /** How long an entry of it lives by stream time without being written, in ms; left out: for ever. */
  readonly ttlMs?: number;
}

/** A buffer is of a suppress: `key | int64 time` to what waits. */
export type StoreKind = "keyValue" | "window" | "session" | "buffer";

/**
 * One sub-topology, compiled: its tasks read `sources` (equal partition counts) and take each batch
 * through `steps`, which stand in topological order.
 */
export interface Program {
  readonly subtopology: number;
  /** What frames add to an index of this program: they count sources and stages over all programs. */
  readonly frame: { readonly source: number; readonly stage: number };
  /** Source topics, by the index that frames use. */
  readonly sources: readonly string[];
  /** The nodes that read them: what a step takes of the input, it takes of one of these. */
  readonly sourceNodes: readonly SourceNode[];
  /** Set where topics are subscribed to by pattern: `sources` then holds those that exist. */
  readonly pattern?: SourcePattern;
  readonly steps: readonly Step[];
  /**
   * Two steps that one record can reach use the same store: what the first does for a record, the second
   * must not see for the record before it. So batches are of one record, and node by node is record by
   * record. (User code with state has one batch in flight anyway.)
   */
  readonly oneByOne: boolean;
  /** The sources that a sub-topology above writes; left out where there are none. */
  readonly repartitions?: readonly RepartitionTopic[];
  /** The nodes that a clock calls; left out where there are none. */
  readonly timers?: readonly TimerNode[];
  /** Every store of a task, with its changelog. Index = the store's number within the task. */
  readonly stores: readonly StoreSpec[];
  /** Where records can be parked; null where they cannot. */
  readonly parking: ParkingPlan | null;
  /** The hook whose requests it runs: its source is internal. Null for what the topology reads. */
  readonly hook: string | null;
}

export interface SourceNode {
  readonly topics: readonly string[];
  /** RE2, of a whole name. */
  readonly pattern?: string;
}

/** A built-in node, a stage of user code, or topics that take what a built-in node or a source feeds. */
export type Step = OperatorStep | SuppressStep | StageStep | SinkStep;

interface Fed {
  /** What reaches the step, in the order in which it does so for one record. */
  readonly feeds: readonly Feed[];
}

export interface OperatorStep extends Fed {
  readonly kind: "operator";
  readonly operator: Operator;
}

/** Holds updates of an aggregate back. */
export interface SuppressStep extends Fed {
  readonly kind: "suppress";
  readonly suppress: Suppress;
}

/** A hop: the rows go to a worker, and what it makes of them comes back. */
export interface StageStep extends Fed {
  readonly kind: "stage";
  readonly stage: Stage;
}

export interface SinkStep extends Fed {
  readonly kind: "sink";
  readonly exit: TopicExit;
  /** It takes the last row of each key, once for each cut. Left out: every row. */
  readonly isOncePerCommit?: boolean;
}

/** Rows of a source node, by its index; or what an earlier step forwards, a stage through one exit. */
export type Feed =
  | { readonly from: "source"; readonly source: number }
  | { readonly from: "step"; readonly step: number; readonly exit: number };

/** What the group is told; brokers look for the topics, and for new ones. */
export interface SourcePattern {
  /** RE2, of a whole name. */
  readonly regex: string;
  /** Topics that are subscribed to by name beside it. */
  readonly topics: readonly string[];
}

/** A topic between two sub-topologies: what the upper one writes by key, the lower one reads. */
export interface RepartitionTopic {
  /** `<application.id>-<name>-repartition`. */
  readonly topic: string;
  /** The node that takes the rows. */
  readonly node: string;
  /** As declared; 0 takes as many as the sources above. */
  readonly partitions: number;
  /** The sub-topology above. */
  readonly writtenBy: number;
}

/** The programs of a topology: first its sub-topologies, then its hooks. */
export type Programs = readonly [Program, ...Program[]];

export interface ParkingPlan {
  /** Index into `Program.stores`. */
  readonly store: number;
  /** As many partitions as the sources; each task reads the one with its number. */
  readonly controlTopic: string;
}

/** A buffer of updates, each of which goes when its time has come. */
export interface Suppress {
  readonly node: string;
  /** Index into `Program.stores`. */
  readonly store: number;
  /** What a key ends in; null where time counts from the first update on. */
  readonly windows: Windows | null;
  /** An update goes when stream time has reached its time and so many ms. */
  readonly delayMs: number;
  readonly buffer: BufferConfig;
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
  /** Of its store: stream time is that of the rows that reach it. */
  readonly ownTime?: boolean;
  /** It forwards each window once: when stream time has reached the window's time and so many ms. */
  readonly closeDelayMs?: number;
}

/**
 * What an aggregation takes: every row with a key, or only those with a value too; Kafka Streams drops
 * a null value where there are no windows. Left out for stores that drop no row.
 */
export type TakenRows = "keyed" | "valued";

/** Adjacent user code, fused. */
export interface Stage {
  /** Among the program's stages. */
  readonly index: number;
  /** Nodes that take the batch's rows: every one of them takes every row. */
  readonly entries: readonly string[];
  /** Stores that batches carry, as indexes into `Program.stores`; order = the frame's index. */
  readonly stores: readonly StageStore[];
  /** Where rows leave it, by the index that frames use (there as `sinks`). */
  readonly exits: readonly Exit[];
  /** Those of its nodes that set timers, as indexes into `Program.timers`; left out where none does. */
  readonly timers?: readonly number[];
  /**
   * Of a stage that is one aggregation in sliding windows: what it forwards is known from what it keeps,
   * and goes on as a built-in node's does, whichever exit it is said through.
   */
  readonly folds?: SlidingWindows;
  /** Of a stage that is one aggregation and forwards each window once: what it answers waits in its store. */
  readonly closes?: Closing;
  /** Of a stage that is one aggregation: the sinks behind it write what leaves it once per commit. */
  readonly isOncePerCommit?: boolean;
}

/** What is forwarded when it closes: when stream time has reached a window's time and so many ms. */
export interface Closing {
  readonly windows: Windows;
  readonly delayMs: number;
}

/** Named by the node that takes the rows. */
export type Exit = TopicExit | OnwardExit | SharedExit;

export interface TopicExit {
  readonly kind: "topic";
  readonly node: string;
  /** Of a hook: the internal topic that keeps its requests. */
  readonly topic: string;
  /** A request keeps to the number of its record's partition, so that it keeps its place too. */
  readonly isHook: boolean;
  /** Records without a key are not written. Left out: they are. */
  readonly dropsNullKeys?: boolean;
  /** Of timers: each record stays with the task, in the partition of its number. */
  readonly isOwn?: boolean;
}

/** What leaves through it is in a topic by another exit: several aggregates read one repartition. */
export interface SharedExit {
  readonly kind: "shared";
  readonly node: string;
}

/** To a later step of the same batch. */
export interface OnwardExit {
  readonly kind: "onward";
  readonly node: string;
}

/** How rows find their slots in a store that the stage's code uses. */
export interface StageStore {
  /** Index into `Program.stores`. */
  readonly store: number;
  /** Set for a windowed aggregate: rows are assigned to windows by the sidecar. */
  readonly windows: Windows | null;
  /** Set for an aggregate: rows that it does not take have no slot. */
  readonly takes?: TakenRows;
  /** Of the store: stream time is that of the rows that reach it. */
  readonly ownTime?: boolean;
}

export interface StoreSpec {
  readonly name: string;
  readonly kind: StoreKind;
  /** Its entries are looked for by key and time: sessions, and windows that begin anywhere. */
  readonly isRanged?: boolean;
  /**
   * Its entries are deleted when stream time is so many ms past their time: the start of a window, the end of
   * a session, in a timestamped key-value store what the value carries.
   */
  readonly retentionMs?: number;
  /** Its entries are looked for by time, among those that are not committed yet, too. */
  readonly isTimed?: boolean;
  /**
   * Each value carries a time: `int64 ms | value` here, and in the changelog the time of its record, as
   * Kafka Streams' timestamped stores have it.
   */
  readonly isTimestamped?: boolean;
  /** Its entries are timers, see `model/timers.ts`: those that wait are found by their time. */
  readonly isOfTimers?: boolean;
  /**
   * Of a windowed store behind code that may change timestamps: its stream time is that of the rows that
   * reach it. Left out: the task's, which is that of its input.
   */
  readonly ownTime?: boolean;
  /** `<application.id>-<name>-changelog`. */
  readonly changelogTopic: string;
}
