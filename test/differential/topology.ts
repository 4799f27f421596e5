/** A topology as its cases write it down: nodes with Kafka Streams' names, functions by name. */
export type NodeSpec =
  | SourceSpec
  | MergeSpec
  | BranchSpec
  | SinkSpec
  | ChosenSpec
  | RememberSpec
  | StatelessSpec
  | ProcessSpec
  | RepartitionSpec
  | GroupSpec
  | WindowedSpec
  | NumberSpec
  | FoldSpec;

interface Below {
  readonly id: string;
  /** The node above it. */
  readonly from: string;
}

export interface SourceSpec {
  readonly id: string;
  readonly op: "source";
  readonly topics: readonly string[];
  /** Default: text. */
  readonly value?: ValueType;
}

export interface MergeSpec {
  readonly id: string;
  readonly op: "merge";
  readonly from: readonly string[];
}

/** Its branches are named `<id>.0`, `<id>.1` and `<id>.default`. */
export interface BranchSpec extends Below {
  readonly op: "branch";
  readonly fns: readonly string[];
  readonly default: boolean;
}

export interface SinkSpec extends Below {
  readonly op: "to";
  readonly topic: string;
}

/** The first of the topics where the predicate holds, else the second. */
export interface ChosenSpec extends Below {
  readonly op: "toChosen";
  readonly fn: string;
  readonly topics: readonly [string, string];
}

/** A processor over a timestamped store: what was there and since when, and the keys that begin alike. */
export interface RememberSpec extends Below {
  readonly op: "remember";
  readonly store: string;
}

export interface StatelessSpec extends Below {
  readonly op: StatelessOp;
  readonly fn: string;
}

export interface ProcessSpec extends Below {
  readonly op: "process";
  readonly fn: string;
  readonly store?: string;
}

export interface RepartitionSpec extends Below {
  readonly op: "repartition";
  readonly name: string;
  readonly partitions?: number;
}

export interface GroupSpec extends Below {
  readonly op: "groupByKey" | "groupBy";
  /** Of groupBy. */
  readonly fn?: string;
  readonly name?: string;
}

export interface WindowedSpec extends Below {
  readonly op: "windowedBy";
  readonly windows: WindowSpec;
  /** When results are forwarded; default: each update. */
  readonly emit?: "onWindowClose";
}

/** What stands right behind an aggregate: until its windows close, or until a time limit. */
export interface SuppressSpec {
  readonly waitMs?: number;
  /** Emits early when it has more. */
  readonly maxRecords?: number;
}

export interface NumberSpec extends Below {
  readonly op: "count" | "sum" | "min" | "max";
  readonly store: string;
  readonly suppress?: SuppressSpec;
}

export interface FoldSpec extends Below {
  readonly op: "aggregate" | "reduce";
  readonly fn: string;
  readonly store: string;
  readonly suppress?: SuppressSpec;
}

export type StatelessOp =
  | "mapValues"
  | "map"
  | "selectKey"
  | "flatMap"
  | "flatMapValues"
  | "filter"
  | "filterNot"
  | "peek"
  | "processValues";

export type ValueType = "text" | "int64" | "int32" | "float64";

/** Of a sliding window `sizeMs` is the time difference, of a session the gap. */
export interface WindowSpec {
  readonly kind: "tumbling" | "hopping" | "sliding" | "session";
  readonly sizeMs: number;
  readonly advanceMs?: number;
  readonly graceMs: number;
}

/** A record of the input; numbers are written as text. */
export interface InputSpec {
  readonly topic: string;
  readonly key: string | null;
  readonly value: string | null;
  /** ms since the epoch. */
  readonly at: number;
  readonly headers?: readonly (readonly [key: string, value: string | null])[];
}

/** The differences in time, which are enough to make other records late: see docs/differences.md. */
export type TimeDifference = "D-1" | "D-2";

/** A topology and its input. */
export interface Case {
  readonly name: string;
  /** What the sidecar or the SDK has to learn first: while it refuses, the case is skipped. */
  readonly needs?: string;
  /** The documented difference that it shows: the two must differ in it. */
  readonly differs?: string;
  /** Nobody has looked at it: the two may differ in what is exactly D-1 or D-2, and in nothing besides. */
  readonly isUnseen?: boolean;
  readonly nodes: readonly NodeSpec[];
  readonly input: readonly InputSpec[];
}

/** What one of the two made of a case; bytes are in base64. */
export interface Outcome {
  readonly outputs: readonly Output[];
  /** By topic, every record in order. */
  readonly changelogs: Readonly<Record<string, readonly Change[]>>;
  /** By store. */
  readonly stores: Readonly<Record<string, readonly Entry[]>>;
}

export interface Output {
  readonly topic: string;
  readonly key: string | null;
  readonly value: string | null;
  readonly at: number;
  readonly headers: readonly (readonly [key: string, value: string | null])[];
  /** Theirs alone: the time of the record that entered the aggregate above. */
  readonly enteredAt?: number;
}

export interface Change {
  readonly key: string | null;
  readonly value: string | null;
  readonly at: number;
}

export interface Entry {
  readonly key: string;
  readonly value: string;
  /** Of a windowed store. */
  readonly start?: number;
}
