import type { MessageInitShape } from "@bufbuild/protobuf";
import type { StageSchema } from "../../src/gen/outrigger/v1/processor_pb.ts";
import {
  type AggregateSchema,
  Aggregator,
  BufferFull,
  EmitStrategy,
  NumberType,
  Operation,
  StoreKind,
  TimerClock,
  type TopologySchema,
} from "../../src/gen/outrigger/v1/topology_pb.ts";

/** The topologies of docs/sdks.md from minor version 5 on: what is declared, and what a sidecar makes. */

type Topology = MessageInitShape<typeof TopologySchema>;
type Node = NonNullable<Topology["nodes"]>[number];
type Aggregate = Omit<MessageInitShape<typeof AggregateSchema>, "$typeName" | "$unknown">;
type Stage = Omit<MessageInitShape<typeof StageSchema>, "$typeName" | "$unknown">;

interface Builder {
  readonly declared: Topology;
  readonly stages: Stage[];
  /** Default: `commands`. */
  readonly sources?: string[];
  readonly timerSources?: { source: number; node: string }[];
}

const RESULTS = ["results"];

function source(topic: string): Node {
  return { name: topic, kind: { case: "source", value: { topics: [topic] } } };
}

function sink(...parents: string[]): Node {
  return { name: "results", parents, kind: { case: "sink", value: { topic: "results" } } };
}

function code(name: string, operation: Operation, ...parents: string[]): Node {
  return { name, parents, kind: { case: "function", value: { operation } } };
}

function fold(name: string, parent: string, value: Aggregate): Node {
  return { name, parents: [parent], kind: { case: "aggregate", value } };
}

const commands = source("commands");
const inApplication = { store: "folds", aggregator: Aggregator.APPLICATION };
const session = { gapMs: 60_000n, graceMs: 10_000n };

/** A fold of the application, in one stage with what follows it. */
function folding(over: Aggregate, kind: StoreKind, isWindowed: boolean): Builder {
  const last = isWindowed ? [code("unwindow", Operation.MAP, "fold")] : [];
  const node = fold("fold", "commands", { ...inApplication, ...over });
  return {
    declared: {
      nodes: [commands, node, ...last, sink(isWindowed ? "unwindow" : "fold")],
      stores: [{ name: "folds", kind }],
    },
    stages: [{ entries: ["fold"], stores: ["folds"], sinks: RESULTS }],
  };
}

const OPERATIONS: Builder = {
  declared: {
    nodes: [
      commands,
      code("drop", Operation.FILTER, "commands"),
      code("seen", Operation.PEEK, "drop"),
      code("rekey", Operation.SELECT_KEY, "seen"),
      code("words", Operation.FLAT_MAP_VALUES, "rekey"),
      code("twice", Operation.FLAT_MAP, "words"),
      code("stamp", Operation.PROCESS_VALUES, "twice"),
      sink("stamp"),
    ],
  },
  stages: [{ entries: ["drop"], sinks: RESULTS }],
};

const BRANCHES: Builder = {
  declared: {
    nodes: [
      commands,
      code("route", Operation.BRANCH, "commands"),
      ...["long", "a", "rest"].map((name) => code(`route-${name}`, Operation.PEEK, "route")),
      code("mark", Operation.MAP_VALUES, "route-a"),
      code("last", Operation.BRANCH, "route-rest"),
      code("last-b", Operation.PEEK, "last"),
      sink("route-long", "mark", "last-b"),
    ],
  },
  stages: [{ entries: ["route"], sinks: RESULTS }],
};

const MERGE: Builder = {
  declared: {
    nodes: [
      commands,
      source("others"),
      code("mark", Operation.MAP_VALUES, "commands"),
      code("upper", Operation.MAP_VALUES, "commands", "mark", "others"),
      sink("upper"),
    ],
  },
  sources: ["commands", "others"],
  stages: [
    { entries: ["mark", "upper"], sinks: RESULTS },
    { entries: ["upper"], sinks: RESULTS },
  ],
};

const SUM: Builder = {
  declared: {
    nodes: [
      commands,
      code("length", Operation.MAP_VALUES, "commands"),
      fold("sum", "length", {
        store: "sums",
        aggregator: Aggregator.SUM,
        number: NumberType.INT64,
      }),
      code("text", Operation.MAP_VALUES, "sum"),
      sink("text"),
    ],
    stores: [{ name: "sums", kind: StoreKind.KEY_VALUE }],
  },
  stages: [
    { entries: ["length"], sinks: ["sum"] },
    { entries: ["text"], sinks: RESULTS },
  ],
};

const SLIDING: Builder = {
  declared: {
    nodes: [
      commands,
      code("length", Operation.MAP_VALUES, "commands"),
      fold("max", "length", {
        store: "maxima",
        aggregator: Aggregator.MAX,
        number: NumberType.INT32,
        sliding: { timeDifferenceMs: 60_000n, graceMs: 5_000n },
      }),
      code("unwindow", Operation.MAP, "max"),
      sink("unwindow"),
    ],
    stores: [{ name: "maxima", kind: StoreKind.WINDOW }],
  },
  stages: [
    { entries: ["length"], sinks: ["max"] },
    { entries: ["unwindow"], sinks: RESULTS },
  ],
};

const SESSION_COUNT: Builder = {
  declared: {
    nodes: [
      commands,
      fold("count", "commands", {
        store: "counts",
        aggregator: Aggregator.COUNT,
        session: { gapMs: 60_000n },
      }),
      code("unwindow", Operation.MAP, "count"),
      sink("unwindow"),
    ],
    stores: [{ name: "counts", kind: StoreKind.SESSION }],
  },
  stages: [{ entries: ["unwindow"], sinks: RESULTS }],
};

const minute = { sizeMs: 60_000n, graceMs: 0n };
const counting = { store: "counts", aggregator: Aggregator.COUNT, tumbling: minute };
const unwindowing = [{ entries: ["unwindow"], sinks: RESULTS }];

const HELD_BACK: Builder = {
  declared: {
    nodes: [
      commands,
      fold("count", "commands", counting),
      {
        name: "hold",
        parents: ["count"],
        kind: {
          case: "suppress",
          value: {
            untilTimeLimit: { waitMs: 30_000n },
            buffer: { maxRecords: 1_000n, maxBytes: 65_536n, whenFull: BufferFull.EMIT_EARLY },
          },
        },
      },
      code("unwindow", Operation.MAP, "hold"),
      sink("unwindow"),
    ],
    stores: [{ name: "counts", kind: StoreKind.WINDOW }],
  },
  stages: unwindowing,
};

const EMITTED: Builder = {
  declared: {
    nodes: [
      commands,
      fold("count", "commands", { ...counting, emit: EmitStrategy.ON_WINDOW_CLOSE }),
      code("unwindow", Operation.MAP, "count"),
      sink("unwindow"),
    ],
    stores: [{ name: "counts", kind: StoreKind.WINDOW }],
  },
  stages: unwindowing,
};

const REPARTITION: Builder = {
  declared: {
    nodes: [
      commands,
      code("swap", Operation.MAP, "commands"),
      {
        name: "by-value",
        parents: ["swap"],
        kind: { case: "repartition", value: { partitions: 3 } },
      },
      code("upper", Operation.MAP_VALUES, "by-value"),
      sink("upper"),
    ],
  },
  sources: ["commands", "app-by-value-repartition"],
  stages: [
    { entries: ["swap"], sinks: ["by-value"] },
    { entries: ["upper"], sinks: RESULTS },
  ],
};

const REGROUP: Builder = {
  declared: {
    nodes: [
      commands,
      code("by-value", Operation.SELECT_KEY, "commands"),
      fold("fold", "by-value", { ...inApplication, repartition: "by-value" }),
      sink("fold"),
    ],
    stores: [{ name: "folds", kind: StoreKind.KEY_VALUE }],
  },
  sources: ["commands", "app-by-value-repartition"],
  stages: [
    { entries: ["by-value"], sinks: ["fold"] },
    { entries: ["fold"], stores: ["folds"], sinks: RESULTS },
  ],
};

const TIMESTAMPED: Builder = {
  declared: {
    nodes: [
      commands,
      {
        name: "remember",
        parents: ["commands"],
        kind: { case: "function", value: { operation: Operation.PROCESS, stores: ["seen"] } },
      },
      sink("remember"),
    ],
    stores: [{ name: "seen", kind: StoreKind.TIMESTAMPED_KEY_VALUE, ttlMs: 60_000n }],
  },
  stages: [{ entries: ["remember"], stores: ["seen"], sinks: RESULTS }],
};

const CHOSEN: Builder = {
  declared: {
    nodes: [
      commands,
      code("choose", Operation.BRANCH, "commands"),
      ...["results", "others"].map((topic): Node => {
        const kind: Node["kind"] = { case: "sink", value: { topic } };
        return { name: `choose-${topic}`, parents: ["choose"], kind };
      }),
    ],
  },
  stages: [{ entries: ["choose"], sinks: ["choose-results", "choose-others"] }],
};

/** Of minor version 6: what has fired at `wait` comes from a source of its own. */
const TIMERS: Builder = {
  declared: {
    nodes: [
      commands,
      {
        name: "wait",
        parents: ["commands"],
        kind: {
          case: "function",
          value: {
            operation: Operation.PROCESS,
            timers: true,
            punctuators: [{ name: "beat", clock: TimerClock.WALL_CLOCK_TIME, intervalMs: 60_000n }],
          },
        },
      },
      sink("wait"),
    ],
  },
  sources: ["commands", "app-wait-timers"],
  timerSources: [{ source: 1, node: "wait" }],
  stages: [{ entries: ["wait"], sinks: RESULTS }],
};

const hopping = { sizeMs: 60_000n, advanceMs: 20_000n, graceMs: 10_000n };

/** Its rows come back before anything behind it runs. */
const SLIDING_FOLD: Builder = {
  declared: folding(
    { sliding: { timeDifferenceMs: 60_000n, graceMs: 5_000n } },
    StoreKind.WINDOW,
    true,
  ).declared,
  stages: [
    { entries: ["fold"], stores: ["folds"], sinks: ["unwindow"] },
    { entries: ["unwindow"], sinks: RESULTS },
  ],
};

const CLOSING_FOLD: Builder = {
  declared: folding({ hopping, emit: EmitStrategy.ON_WINDOW_CLOSE }, StoreKind.WINDOW, true)
    .declared,
  stages: SLIDING_FOLD.stages,
};

export const BUILDERS = {
  operations: OPERATIONS,
  branches: BRANCHES,
  merge: MERGE,
  sum: SUM,
  hopping: folding({ hopping }, StoreKind.WINDOW, true),
  sliding: SLIDING,
  "sliding-fold": SLIDING_FOLD,
  session: folding({ session }, StoreKind.SESSION, true),
  "session-count": SESSION_COUNT,
  "held-back": HELD_BACK,
  emitted: EMITTED,
  "closing-fold": CLOSING_FOLD,
  "committing-fold": folding({ emit: EmitStrategy.ON_COMMIT }, StoreKind.KEY_VALUE, false),
  reduce: folding({}, StoreKind.KEY_VALUE, false),
  repartition: REPARTITION,
  regroup: REGROUP,
  timestamped: TIMESTAMPED,
  chosen: CHOSEN,
  timers: TIMERS,
} as const satisfies Readonly<Record<string, Builder>>;

export type BuilderName = keyof typeof BUILDERS;

export function builderOf(topology: BuilderName): Builder {
  return BUILDERS[topology];
}

export function isBuilder(topology: string): topology is BuilderName {
  return topology in BUILDERS;
}
