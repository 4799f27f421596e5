import { ERROR } from "../../src/kafka/protocol/error-codes.ts";
import { type Fault, GOOD_MANNERS, type Plan, type Ruin } from "./plan.ts";

export interface Scenario {
  readonly name: string;
  /** What is told, and which rule answers it. */
  readonly tells: string;
  readonly plan: Plan;
  /** Kept from mutants that are to die of something else than the ruin. */
  readonly isRuined?: true;
}

/** A world in which nothing happens by itself. */
function calm(seed: string, of: Partial<Plan>): Plan {
  return {
    seed,
    topology: "list",
    partitions: 1,
    sidecars: 2,
    workers: 1,
    keys: 3,
    empties: 0.04,
    records: 200,
    spanMs: 6_000,
    transactionalInput: false,
    commitIntervalMs: 60,
    batchRecordsMax: 7,
    plannedMax: 2,
    processingTimeoutMs: 3_000,
    revokeTimeoutMs: 500,
    transactionTimeoutMs: 3_000,
    requestTimeoutMs: 2_000,
    sessionTimeoutMs: 6_000,
    heartbeatIntervalMs: 500,
    deleteRetentionMs: 86_400_000,
    questionMsMax: 5,
    kip1251: false,
    assignmentIntervalMs: 0,
    firstEpoch: 0,
    manners: GOOD_MANNERS,
    faults: [],
    expects: null,
    abortsMax: null,
    ...of,
  };
}

function times<T extends Fault | Fault[]>(count: number, fault: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => fault(i));
}

/**
 * V1: a commit's EndTxn does not arrive, InitProducerId aborts it, the member expires, and another
 * owner commits the same offsets, while this process was stopped. Whoever now takes "the offsets are
 * where mine would be" for "mine was committed" has a store that nobody's changelog explains.
 */
const V1: Scenario = {
  name: "V1",
  tells: "a stranger's commit at our offsets is not ours (R-7)",
  plan: calm("V1", {
    sessionTimeoutMs: 3_000,
    faults: [
      ...times(30, () => ({
        on: "request",
        afterMs: 2_000,
        sidecar: 0,
        api: "EndTxn",
        skip: 0,
        fault: { kind: "late", ms: 9_000 },
      })),
      {
        on: "moment",
        afterMs: 2_500,
        sidecar: 0,
        api: "InitProducerId",
        moment: "answered",
        skip: 1,
        blow: { kind: "pause", ms: 5_000 },
      },
      // A good answer waits for it: it goes on for a while before it is told otherwise.
      {
        on: "request",
        afterMs: 3_450,
        sidecar: 0,
        api: "Heartbeat",
        skip: 0,
        fault: { kind: "slowAnswer", ms: 1_500 },
      },
    ],
  }),
};

/**
 * A commit takes effect, its answer is lost, and before it is asked again somebody's late
 * InitProducerId moves the epoch: the refusal is an echo of the success.
 */
const ECHO: Scenario = {
  name: "echo",
  tells: "a refusal of a repeated EndTxn says nothing of the first (R-7)",
  plan: calm("echo", {
    sidecars: 1,
    faults: times(6, (i) => ({
      on: "request",
      afterMs: 1_000 + i * 700,
      sidecar: 0,
      api: "EndTxn",
      skip: 0,
      fault: { kind: "loseAnswer" },
      thenHijack: true,
    })),
  }),
};

/** V5: the member is expired, and not told for long. */
const V5: Scenario = {
  name: "V5",
  tells: "a refused offset commit is explained by a heartbeat before anything else is begun (R-8)",
  plan: calm("V5", {
    sidecars: 1,
    heartbeatIntervalMs: 3_000,
    abortsMax: 3,
    faults: times(3, (i) => ({
      on: "time",
      afterMs: 1_500 + i * 1_500,
      what: { kind: "expireMember", sidecar: 0 },
    })),
  }),
};

/** V6: the group's epoch moves, no partition does, and the member hears of it late. */
const V6: Scenario = {
  name: "V6",
  tells: "an epoch that moves aborts nothing (R-6)",
  plan: calm("V6", {
    sidecars: 1,
    commitIntervalMs: 20,
    heartbeatIntervalMs: 200,
    abortsMax: 0,
    faults: [
      ...times(25, (i) => ({
        on: "time",
        afterMs: 800 + i * 200,
        what: { kind: "bumpGroup" },
      })),
      ...times(25, (i) => ({
        on: "request",
        afterMs: 700 + i * 200,
        sidecar: 0,
        api: "Heartbeat",
        skip: 0,
        fault: { kind: "slowAnswer", ms: 150 },
      })),
    ] as Fault[],
  }),
};

/** The owner changes, and the old one does not know, while a commit waits for its first acknowledgement. */
const SLOW_PRODUCE: Scenario = {
  name: "slow-produce",
  tells: "offsets are sent when every record is acknowledged, and read before the changelog's end",
  plan: calm("slow-produce", {
    heartbeatIntervalMs: 2_000,
    sessionTimeoutMs: 30_000,
    transactionTimeoutMs: 15_000,
    requestTimeoutMs: 12_000,
    faults: [
      ...times(70, () => ({
        on: "request",
        afterMs: 2_000,
        sidecar: 0,
        api: "Produce",
        skip: 0,
        fault: { kind: "refuse", code: ERROR.NOT_ENOUGH_REPLICAS },
      })),
      { on: "time", afterMs: 2_300, what: { kind: "expireMember", sidecar: 0 } },
      {
        on: "request",
        afterMs: 2_300,
        sidecar: 0,
        api: "Heartbeat",
        skip: 0,
        fault: { kind: "slowAnswer", ms: 9_000 },
      },
    ] as Fault[],
  }),
};

/** A then B then A, within a cut: what was held with a break is not held. */
const BOUNCE: Scenario = {
  name: "bounce",
  tells: "a partition that went and came back is taken over anew (R-6)",
  plan: calm("bounce", {
    topology: "copy",
    heartbeatIntervalMs: 200,
    revokeTimeoutMs: 50,
    faults: times(12, (i) => ({
      on: "time",
      afterMs: 900 + i * 400,
      what: { kind: "rotate", times: 2, everyMs: 30 + i * 10 },
    })),
  }),
};

/** A store misses deletes that compaction then forgets, with their tombstones. */
const TOMBSTONES: Scenario = {
  name: "tombstones",
  tells: "a store that was away for too long is wiped, and no deleted key comes back (R-10)",
  plan: calm("tombstones", {
    sidecars: 2,
    keys: 40,
    empties: 0.3,
    records: 240,
    spanMs: 9_000,
    deleteRetentionMs: 1_200,
    sessionTimeoutMs: 3_000,
    faults: [
      ...times(3, (i) => ({
        on: "time",
        afterMs: 1_200 + i * 3_200,
        what: { kind: "leave", sidecar: 0, awayMs: 2_500, fresh: false },
      })),
      ...times(20, (i) => ({ on: "time", afterMs: 1_500 + i * 400, what: { kind: "compact" } })),
    ] as Fault[],
  }),
};

function ruined(what: Ruin, expects: string): Scenario {
  return {
    name: what,
    isRuined: true,
    tells: `${what} is never taken for a beginning: ${expects} (R-9)`,
    plan: calm(what, {
      sidecars: 1,
      expects,
      faults: [{ on: "time", afterMs: 3_000, what: { kind: "ruin", what } }],
    }),
  };
}

/** What hangs on a moment is told with several: the same faults, other delays. */
function often(scenario: Scenario): Scenario[] {
  return Array.from({ length: VARIANTS }, (_, i) => {
    const name = i === 0 ? scenario.name : `${scenario.name}.${i + 1}`;
    return { ...scenario, name, plan: { ...scenario.plan, seed: name } };
  });
}

const VARIANTS = 6;

export const SCENARIOS: readonly Scenario[] = [
  ...often(V1),
  V5,
  ...often(V6),
  ...often(ECHO),
  ...often(SLOW_PRODUCE),
  ...often(BOUNCE),
  ...often(TOMBSTONES),
  ruined("truncateChangelog", "COMMITTED_STATE_LOST"),
  ruined("recreateChangelog", "COMMITTED_STATE_LOST"),
  ruined("deleteOffsets", "OFFSETS_LOST"),
  ruined("moveOffsets", "OFFSETS_LOST"),
];
