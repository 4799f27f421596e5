import { ERROR } from "../../src/kafka/protocol/error-codes.ts";
import type { Manners } from "./application.ts";
import type { RequestFault } from "./network.ts";
import { Random } from "./random.ts";
import type { TopologyName } from "./topologies.ts";

/** What befalls a process. */
export type Blow =
  /** Dies; comes again after `restartMs`, over the same directory or a new one. */
  | { readonly kind: "crash"; readonly restartMs: number; readonly fresh: boolean }
  /** Stops for so long, and goes on as if nothing had been. */
  | { readonly kind: "pause"; readonly ms: number };

export type Happening =
  | { readonly kind: "blow"; readonly sidecar: number; readonly blow: Blow }
  /** A clean stop, and a start `awayMs` later. */
  | { readonly kind: "leave"; readonly sidecar: number; readonly awayMs: number; fresh: boolean }
  | { readonly kind: "nodeDown"; readonly node: number; readonly ms: number }
  | { readonly kind: "moveCoordinator"; readonly of: "group" | "transaction" }
  /** The group forgets a member, who is not told. */
  | { readonly kind: "expireMember"; readonly sidecar: number }
  /** The coordinator ends what the sidecar has open. */
  | { readonly kind: "expireTransaction"; readonly sidecar: number }
  /** Partitions move on, `times` in a row, `everyMs` apart: A to B to A. */
  | { readonly kind: "rotate"; readonly times: number; readonly everyMs: number }
  | { readonly kind: "bumpGroup" }
  | { readonly kind: "compact" }
  | { readonly kind: "slowMarkers"; readonly markerMs: number; readonly ms: number }
  /** Somebody else initialises the sidecar's transactional id. */
  | { readonly kind: "hijack"; readonly sidecar: number; readonly times: number }
  | { readonly kind: "workerCrash"; readonly sidecar: number }
  /** The directory goes back to what it held `ageMs` before; the process dies with it. */
  | { readonly kind: "rollBack"; readonly sidecar: number; readonly ageMs: number }
  /** A store's files are damaged; the process dies. */
  | { readonly kind: "corrupt"; readonly sidecar: number }
  /** A store's block is found rotten, `after` so many reads and writes; the process goes on. */
  | { readonly kind: "rot"; readonly sidecar: number; readonly after: number }
  | { readonly kind: "wallClock"; readonly ms: number }
  /** Everybody dies, something is destroyed, everybody starts again. */
  | { readonly kind: "ruin"; readonly what: Ruin };

export type Ruin = "truncateChangelog" | "recreateChangelog" | "deleteOffsets" | "moveOffsets";

export type Fault =
  | {
      readonly on: "request";
      readonly afterMs: number;
      readonly sidecar: number | null;
      readonly api: string;
      readonly skip: number;
      readonly fault: RequestFault;
      /** A moment later somebody else initialises the sidecar's transactional id. */
      readonly thenHijack?: boolean;
    }
  /** As the request leaves, or as its answer comes. */
  | {
      readonly on: "moment";
      readonly afterMs: number;
      readonly sidecar: number | null;
      readonly api: string;
      readonly moment: "sent" | "answered";
      readonly skip: number;
      readonly blow: Blow;
    }
  /** As a commit enters a state of the transaction machine. */
  | {
      readonly on: "state";
      readonly afterMs: number;
      readonly sidecar: number | null;
      readonly state: string;
      readonly skip: number;
      readonly blow: Blow;
    }
  /** As a batch is on disk, and nobody has been told. */
  | {
      readonly on: "write";
      readonly afterMs: number;
      readonly skip: number;
      readonly blow: Blow;
    }
  | { readonly on: "time"; readonly afterMs: number; readonly what: Happening };

/** Records that the application cannot take before it is mended. */
export interface Parking {
  /** Of how many records one is bad. */
  readonly badOneIn: number;
  /** When the application is mended, and when commands come: some before, some twice. */
  readonly mendedAtMs: number;
  readonly commandsMs: readonly number[];
}

/** A whole world: what a seed comes down to, and what a regression keeps. */
export interface Plan {
  readonly seed: string;
  readonly topology: TopologyName;
  readonly partitions: number;
  readonly sidecars: number;
  readonly workers: number;
  readonly keys: number;
  /** The share of records that empty their key's list. */
  readonly empties: number;
  readonly records: number;
  readonly spanMs: number;
  /** Inputs come in transactions, some of them aborted. */
  readonly transactionalInput: boolean;
  readonly commitIntervalMs: number;
  readonly batchRecordsMax: number;
  readonly plannedMax: number;
  readonly processingTimeoutMs: number;
  readonly revokeTimeoutMs: number;
  readonly transactionTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly deleteRetentionMs: number;
  /** How long a question of the control plane takes at most. */
  readonly questionMsMax: number;
  readonly kip1251: boolean;
  readonly assignmentIntervalMs: number;
  readonly firstEpoch: number;
  readonly manners: Manners;
  readonly faults: readonly Fault[];
  /** The code that a sidecar must stop with: the world is ruined on purpose. */
  readonly expects: string | null;
  /** Some records are parked, and released by commands; left out where parking is off. */
  readonly parking?: Parking;
  /** The application asks a hook for each record. */
  readonly hooks?: true;
  /** Aborts that this world may have; null for the usual bound. */
  readonly abortsMax: number | null;
}

const FAULTS_MIN = 3;
const FAULTS_MAX = 8;
/** Faults begin when the world has settled. */
const FIRST_FAULT_MS = 600;

export const GOOD_MANNERS: Manners = {
  duplicate: 0,
  failure: 0,
  invalid: 0,
  handBack: 0,
  hang: 0,
  crash: 0,
  stale: 0,
  slowMs: 0,
};

/** The plan of a seed. */
export function planOf(seed: string): Plan {
  const random = new Random(`plan ${seed}`);
  const sidecars = random.weighted([
    [3, 1],
    [5, 2],
    [2, 3],
  ]);
  const spanMs = random.int(3_000, 9_000);
  const wild = random.chance(0.6);
  const small = (max: number): number => (wild && random.chance(0.5) ? random.next() * max : 0);
  const drawn: Plan = {
    seed,
    topology: random.weighted<TopologyName>([
      [3, "copy"],
      [6, "list"],
      [2, "count"],
      [2, "countMap"],
    ]),
    partitions: random.int(1, 3),
    sidecars,
    workers: random.int(1, 2),
    keys: random.int(2, 6),
    empties: random.pick([0.04, 0.04, 0.3]),
    records: random.int(200, 240),
    spanMs,
    transactionalInput: random.chance(0.3),
    commitIntervalMs: random.pick([20, 60, 100, 100, 250]),
    batchRecordsMax: random.pick([1, 3, 7, 20]),
    plannedMax: random.int(1, 4),
    processingTimeoutMs: random.int(1_000, 3_000),
    revokeTimeoutMs: random.pick([50, 500, 2_000]),
    transactionTimeoutMs: random.int(3_000, 8_000),
    requestTimeoutMs: random.pick([800, 2_000, 5_000]),
    sessionTimeoutMs: random.int(3_000, 6_000),
    heartbeatIntervalMs: random.pick([200, 500, 1_000]),
    deleteRetentionMs: random.chance(0.3) ? 1_500 : 86_400_000,
    questionMsMax: random.pick([5, 60, 500]),
    kip1251: random.chance(0.4),
    assignmentIntervalMs: random.pick([0, 0, 200, 1_000]),
    firstEpoch: random.chance(0.15) ? random.int(32_740, 32_766) : 0,
    manners: {
      duplicate: small(0.3),
      failure: small(0.05),
      invalid: small(0.03),
      handBack: small(0.03),
      hang: small(0.01),
      crash: small(0.02),
      stale: small(1),
      slowMs: small(200),
    },
    faults: [],
    expects: null,
    abortsMax: null,
  };
  const plan = withHops(drawn);
  const count = random.int(FAULTS_MIN, FAULTS_MAX);
  const faults = Array.from({ length: count }, () => faultOf(random, plan));
  const inOrder = faults.sort((a, b) => a.afterMs - b.afterMs);
  const chosen = { ...plan, ...topologyOf(plan) };
  return { ...chosen, ...parkingOf(chosen), ...hooksOf(chosen), faults: inOrder };
}

/** By chance of its own, so that the other worlds stay what they were. */
function topologyOf({ seed, topology }: Plan): { topology: TopologyName } {
  const random = new Random(`topology ${seed}`);
  return { topology: random.chance(0.15) ? "regroup" : timedOf(seed, topology) };
}

/** By chance of its own, again. */
function timedOf(seed: string, topology: TopologyName): TopologyName {
  const random = new Random(`timed ${seed}`);
  return random.weighted<TopologyName>([
    [7, topology],
    [2, "timers"],
    [1, "expiring"],
  ]);
}

/** By chance of its own: other worlds stay what they were. */
function withHops(plan: Plan): Plan {
  const random = new Random(`hops ${plan.seed}`);
  if (plan.topology !== "copy" && plan.topology !== "countMap") return plan;
  if (random.chance(0.5)) return plan;
  return { ...plan, topology: random.pick<TopologyName>(["relay", "hops"]) };
}

/** By chance of its own, as parking. */
function hooksOf({ seed, topology }: Plan): { hooks?: true } {
  const random = new Random(`hooks ${seed}`);
  return topology === "list" && random.chance(0.3) ? { hooks: true } : {};
}

/** By chance of its own, so that the other worlds stay what they were. */
function parkingOf({ seed, topology, spanMs }: Plan): { parking?: Parking } {
  const random = new Random(`parking ${seed}`);
  // With windows a record that waited would be late.
  if ((topology !== "copy" && topology !== "list") || !random.chance(0.35)) return {};
  const commandsMs = Array.from({ length: random.int(1, 6) }, () => random.int(500, spanMs));
  const parking = {
    badOneIn: random.pick([2, 5, 20, 60]),
    mendedAtMs: random.int(1_000, spanMs),
    commandsMs: commandsMs.sort((a, b) => a - b),
  };
  return { parking };
}

const TRANSACTIONAL: readonly (readonly [number, string])[] = [
  [4, "Produce"],
  [4, "TxnOffsetCommit"],
  [5, "EndTxn"],
  [2, "InitProducerId"],
  [3, "Heartbeat"],
  [1, "OffsetFetch"],
  [1, "ListOffsets"],
  [1, "Fetch"],
];

function faultOf(random: Random, plan: Plan): Fault {
  const afterMs = Math.floor(random.int(FIRST_FAULT_MS, plan.spanMs));
  const sidecar = random.chance(0.7) ? random.int(0, plan.sidecars - 1) : null;
  const skip = random.chance(0.5) ? 0 : random.int(1, 6);
  const on = random.weighted<Fault["on"]>([
    [8, "request"],
    [3, "moment"],
    [3, "state"],
    [plan.topology === "copy" ? 0 : 2, "write"],
    [8, "time"],
  ]);
  switch (on) {
    case "request": {
      const api = random.weighted(TRANSACTIONAL);
      const fault = requestFaultOf(random, plan, api);
      const thenHijack = api === "EndTxn" && fault.kind === "loseAnswer" && random.chance(0.3);
      return { on, afterMs, sidecar, api, skip, fault, thenHijack };
    }
    case "moment": {
      const moment = random.pick(["sent", "answered"] as const);
      const api = random.weighted(TRANSACTIONAL);
      return { on, afterMs, sidecar, api, moment, skip, blow: blowOf(random, plan) };
    }
    case "state": {
      const state = random.pick(["producing", "sendingOffsets", "ending", "applying", "aborting"]);
      return { on, afterMs, sidecar, state, skip, blow: blowOf(random, plan) };
    }
    case "write":
      return { on, afterMs, skip, blow: blowOf(random, plan) };
    case "time":
      return { on, afterMs, what: happeningOf(random, plan) };
  }
}

function requestFaultOf(random: Random, plan: Plan, api: string): RequestFault {
  const kind = random.weighted<RequestFault["kind"]>([
    [2, "lose"],
    [4, "late"],
    [4, "loseAnswer"],
    [2, "slowAnswer"],
    [2, "refuse"],
  ]);
  switch (kind) {
    case "lose":
    case "loseAnswer":
      return { kind };
    case "late":
      return { kind, ms: Math.floor(random.skewed(5, 8_000)) };
    case "slowAnswer":
      return { kind, ms: Math.floor(random.skewed(20, plan.requestTimeoutMs * 1.5)) };
    case "refuse":
      return { kind, code: random.pick(REFUSALS[api] ?? [ERROR.NOT_LEADER_OR_FOLLOWER]) };
  }
}

/** Codes that a healthy cluster answers with now and then. */
const REFUSALS: Readonly<Record<string, readonly number[]>> = {
  Produce: [
    ERROR.NOT_ENOUGH_REPLICAS,
    ERROR.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    ERROR.NOT_LEADER_OR_FOLLOWER,
    ERROR.REQUEST_TIMED_OUT,
    ERROR.CONCURRENT_TRANSACTIONS,
  ],
  TxnOffsetCommit: [
    ERROR.COORDINATOR_LOAD_IN_PROGRESS,
    ERROR.UNKNOWN_TOPIC_OR_PARTITION,
    ERROR.ILLEGAL_GENERATION,
    ERROR.TRANSACTION_ABORTABLE,
  ],
  EndTxn: [ERROR.COORDINATOR_LOAD_IN_PROGRESS, ERROR.CONCURRENT_TRANSACTIONS],
  InitProducerId: [ERROR.COORDINATOR_LOAD_IN_PROGRESS, ERROR.CONCURRENT_TRANSACTIONS],
  Heartbeat: [ERROR.COORDINATOR_LOAD_IN_PROGRESS, ERROR.COORDINATOR_NOT_AVAILABLE],
  OffsetFetch: [ERROR.COORDINATOR_LOAD_IN_PROGRESS, ERROR.UNSTABLE_OFFSET_COMMIT],
  ListOffsets: [ERROR.NOT_LEADER_OR_FOLLOWER],
  Fetch: [ERROR.NOT_LEADER_OR_FOLLOWER],
};

function blowOf(random: Random, plan: Plan): Blow {
  if (random.chance(0.6)) {
    const restartMs = Math.floor(random.skewed(5, 5_000));
    return { kind: "crash", restartMs, fresh: random.chance(0.25) };
  }
  const pauses = [200, 1_500, plan.sessionTimeoutMs + 1_500, plan.transactionTimeoutMs + 4_000];
  return { kind: "pause", ms: random.pick(pauses) };
}

function happeningOf(random: Random, plan: Plan): Happening {
  const sidecar = random.int(0, plan.sidecars - 1);
  const kind = random.weighted<Exclude<Happening["kind"], "ruin">>([
    [5, "blow"],
    [3, "leave"],
    [2, "nodeDown"],
    [1, "moveCoordinator"],
    [2, "expireMember"],
    [2, "expireTransaction"],
    [4, "rotate"],
    [1, "bumpGroup"],
    [2, "compact"],
    [2, "slowMarkers"],
    [1, "hijack"],
    [1, "workerCrash"],
    [1, "rollBack"],
    [1, "corrupt"],
    [2, "rot"],
    [0.5, "wallClock"],
  ]);
  switch (kind) {
    case "blow":
      return { kind, sidecar, blow: blowOf(random, plan) };
    case "leave":
      return { kind, sidecar, awayMs: random.int(10, 4_000), fresh: random.chance(0.2) };
    case "nodeDown":
      return { kind, node: random.int(1, 3), ms: random.int(200, 3_000) };
    case "moveCoordinator":
      return { kind, of: random.pick(["group", "transaction"]) };
    case "rotate":
      return { kind, times: random.int(1, 4), everyMs: Math.floor(random.skewed(5, 1_500)) };
    case "slowMarkers":
      return { kind, markerMs: random.int(300, 2_000), ms: random.int(500, 3_000) };
    case "hijack":
      return { kind, sidecar, times: random.int(1, 4) };
    case "rollBack":
      return { kind, sidecar, ageMs: random.int(100, 3_000) };
    case "rot":
      return { kind, sidecar, after: random.int(1, 40) };
    case "wallClock":
      return { kind, ms: random.pick([-3_600_000, -1_000, 1_000]) };
    case "expireMember":
    case "expireTransaction":
    case "workerCrash":
    case "corrupt":
      return { kind, sidecar };
    case "bumpGroup":
    case "compact":
      return { kind };
  }
}
