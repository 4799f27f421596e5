import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Aggregator,
  Exhausted,
  Operation,
  StoreKind,
  type TopologySchema,
} from "../../src/gen/outrigger/v1/topology_pb.ts";
import { builderOf, isBuilder } from "./builders.ts";
import type { TopologyName } from "./case.ts";

type Topology = MessageInitShape<typeof TopologySchema>;
type Node = NonNullable<Topology["nodes"]>[number];

const source: Node = {
  name: "commands",
  kind: { case: "source", value: { topics: ["commands"] } },
};

const patterned: Node = {
  name: "commands",
  kind: { case: "source", value: { pattern: "commands-[a-z]+" } },
};

const MINUTE = { sizeMs: 60_000n, graceMs: 0n };

function sink(parent: string): Node {
  return {
    name: "results",
    parents: [parent],
    kind: { case: "sink", value: { topic: "results" } },
  };
}

function code(name: string, parent: string, operation: Operation, stores: string[] = []): Node {
  return { name, parents: [parent], kind: { case: "function", value: { operation, stores } } };
}

const withPolicy: Node = {
  name: "interpret",
  parents: ["commands"],
  kind: {
    case: "function",
    value: {
      operation: Operation.PROCESS,
      stores: ["state"],
      failurePolicy: {
        retryMax: 2,
        retryInitialMs: 250n,
        retryFactor: 1.5,
        retryMaxDelayMs: 60_000n,
        retryJitter: 0,
        exhausted: Exhausted.DEAD_LETTER,
      },
    },
  },
};

const parking: Node = {
  name: "interpret",
  parents: ["commands"],
  kind: {
    case: "function",
    value: {
      operation: Operation.PROCESS,
      stores: ["state"],
      failurePolicy: { exhausted: Exhausted.PARK },
    },
  },
};

const hook: Node = {
  name: "receipt",
  parents: ["interpret"],
  kind: {
    case: "hook",
    value: { failurePolicy: { retryMax: 3, exhausted: Exhausted.DEAD_LETTER } },
  },
};

/** What each SDK's conformance application must declare: the same message, name by name. */
export function declaredAs(topology: TopologyName): Topology {
  if (isBuilder(topology)) return builderOf(topology).declared;
  switch (topology) {
    case "policy":
    case "parking":
      return {
        nodes: [source, topology === "policy" ? withPolicy : parking, sink("interpret")],
        stores: [{ name: "state", kind: StoreKind.KEY_VALUE }],
      };
    case "process":
    case "pattern":
    case "hook":
      return {
        nodes: [
          topology === "pattern" ? patterned : source,
          code("interpret", "commands", Operation.PROCESS, ["state"]),
          sink("interpret"),
          ...(topology === "hook" ? [hook] : []),
        ],
        stores: [{ name: "state", kind: StoreKind.KEY_VALUE }],
      };
    case "stateless":
      return {
        nodes: [
          source,
          code("keep", "commands", Operation.FILTER),
          code("upper", "keep", Operation.MAP_VALUES),
          code("swap", "upper", Operation.MAP),
          sink("swap"),
        ],
      };
    case "aggregate":
      return {
        nodes: [source, fold({}), sink("fold")],
        stores: [{ name: "folds", kind: StoreKind.KEY_VALUE }],
      };
    case "windowed":
      return {
        nodes: [
          source,
          fold({ tumbling: MINUTE }),
          code("unwindow", "fold", Operation.MAP),
          sink("unwindow"),
        ],
        stores: [{ name: "folds", kind: StoreKind.WINDOW }],
      };
    case "count": {
      const value = { store: "counts", aggregator: Aggregator.COUNT, tumbling: MINUTE };
      const counting: Node = {
        name: "count",
        parents: ["commands"],
        kind: { case: "aggregate", value },
      };
      return {
        nodes: [source, counting, code("unwindow", "count", Operation.MAP), sink("unwindow")],
        stores: [{ name: "counts", kind: StoreKind.WINDOW }],
      };
    }
  }
}

function fold(windows: { tumbling?: typeof MINUTE }): Node {
  const value = { store: "folds", aggregator: Aggregator.APPLICATION, ...windows };
  return { name: "fold", parents: ["commands"], kind: { case: "aggregate", value } };
}
