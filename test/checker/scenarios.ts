import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import type { FaultProxy } from "../support/fault-proxy.ts";
import type { Rule } from "../support/fault-rules.ts";
import { type ProduceStep, produceWithJava } from "../support/judges.ts";
import { type Child, eventually } from "../support/sidecar-process.ts";
import type { Checked } from "./checked.ts";
import { type Conditions, USUAL } from "./conditions.ts";
import { homeOf } from "./home.ts";
import { inputs } from "./inputs.ts";
import { PARTITIONS } from "./workload.ts";

/** What a scenario may touch: one run, and the proxy that its broker tells every client of. */
export interface Stage {
  readonly run: Checked;
  readonly proxy: FaultProxy;
  readonly bootstrapServers: string;
}

const RECORDS = 3_000;
const SEED = 7;
const PRODUCE = 0;
const OFFSET_FETCH = 9;
const END_TXN = 26;
/** TRANSACTION_ABORTABLE of KIP-890: the broker asks for an abort. */
const ABORTABLE = 120;
/** A restore that does not wait is over by then. */
const RESTORING_MS = 2_000;
/** Several purges. */
const PURGES_MS = 1_000;
/** Longer than a scenario: a broker that gives a transaction up would hide what it is about. */
const PATIENT = { "transaction.timeout.ms": 120_000 };

/** Each does its worst and returns; the caller waits for the end of the input, and judges. */
export const SCENARIOS = {
  /** Nothing happens. */
  calm: async ({ run }) => {
    await run.send(SEED, 0, RECORDS);
    start(run, "a");
  },

  /** Committed and aborted transactions overlap in the input; it ends with a marker. */
  transactionalInput: async ({ run, bootstrapServers }) => {
    await produceWithJava(bootstrapServers, overlapping(run.prefix));
    start(run, "a");
  },

  /** SIGKILL with changelog records written whose transaction then aborts. */
  killedBeforeOffsets: async (stage) => {
    await killedAndRestarted(stage, { OUTRIGGER_FAILPOINT: "sendingOffsets:4" });
  },

  /** SIGKILL, and the disk is gone. */
  killedAndWiped: async (stage) => {
    await killedAndRestarted(stage, { OUTRIGGER_FAILPOINT: "applying:4" }, () => {
      rmSync(stage.run.stateDir("a"), { recursive: true, force: true });
    });
  },

  /** EndTxn gets lost on its way, and its sender dies. */
  killedWithItsEnd: async ({ run, proxy }) => {
    await run.send(SEED, 0, RECORDS);
    proxy.inject(ofSidecar(run, { apiKey: END_TXN, nth: 4, fault: { kind: "dropRequest" } }));
    const met = proxy.faults;
    const first = start(run, "a");
    await eventually("EndTxn to be lost", () => proxy.faults > met, run.children);
    await first.kill();
    proxy.inject();
    run.startSidecar("a");
  },

  /** SIGKILL as a batch is on disk, another directory goes on; both are judged. */
  killedAfterMarks: async (stage) => await killedAsWritten(stage, "marks:12"),
  killedAfterData: async (stage) => await killedAsWritten(stage, "data:12"),

  /** Commits take effect, and their answers are lost. */
  lostAnswers: async ({ run, proxy }) => {
    let ends = 0;
    const when: Rule["when"] = ({ clientId }) => clientId === run.prefix && ++ends % 5 === 0;
    proxy.inject({ apiKey: END_TXN, when, times: 4, fault: { kind: "lostAnswer" } });
    await run.send(SEED, 0, RECORDS);
    start(run, "a");
  },

  /** Transactions are refused, and to be aborted. */
  refused: async ({ run, proxy }) => {
    let produces = 0;
    const when: Rule["when"] = ({ clientId }) => clientId === run.prefix && ++produces % 5 === 0;
    const fault = { kind: "produceError", code: ABORTABLE } as const;
    proxy.inject({ apiKey: PRODUCE, when, times: 4, fault });
    await run.send(SEED, 0, RECORDS);
    start(run, "a");
  },

  /**
   * Somebody else's transaction is open in a changelog, before records that are committed; the disk is
   * gone. A restore must not end where that begins; it is aborted, and so leaves nothing.
   */
  foreignTransaction: async ({ run }) => {
    await run.send(SEED, 0, RECORDS);
    const first = start(run, "a");
    await run.drained();
    const foreign = await openTransaction(run, `${run.prefix}-sums-changelog`);
    await run.send(SEED, RECORDS, RECORDS);
    await run.drained();
    await first.kill();
    rmSync(run.stateDir("a"), { recursive: true, force: true });
    const accepted = { "check.accept": "changelog.foreign.writer" };
    const second = run.startSidecar("a", {}, { ...PATIENT, ...accepted });
    const isOver = (): boolean => !second.isRunning || second.output.includes("worker connected");
    await eventually("it to restore, or to end", isOver, run.children);
    await pause(RESTORING_MS);
    await foreign.abort();
  },

  /** Stopped with its records written, thought dead; it wakes when another has read the offsets. */
  zombie: async (stage) => await overtakenAt(stage, "sendingOffsets:4"),
  /** The same with its offsets accepted, not committed: the other must wait for what becomes of them. */
  zombieWithOffsets: async (stage) => await overtakenAt(stage, "ending:4"),

  /** Stopped with its cut taken; another does its work and leaves, and what it took comes back. */
  zombieReturns: async ({ run }) => {
    const first = await stoppedAt(run, "producing:8");
    const second = start(run, "b");
    await run.drained();
    await second.stop();
    first.signal("SIGCONT");
    await run.send(SEED, RECORDS, RECORDS);
  },

  /** Every batch is first sent under an epoch that is taken away; its answer may come nevertheless. */
  revokedBatches: async ({ run }) => {
    await run.send(SEED, 0, RECORDS);
    start(run, "a", { OUTRIGGER_HOSTILE: "revoke-every-batch" });
  },

  /** SIGKILL with what is between read and not committed, and every purge in time for it. */
  killedBehindRepartition: async ({ run }) => {
    await run.send(SEED, 0, RECORDS);
    const first = run.startSidecar("a", {}, PATIENT);
    const application = run.startApplication("a");
    await eventually("some to be read", () => run.hasCommitted(RECORDS / 4), run.children);
    application.signal("SIGSTOP");
    await pause(PURGES_MS);
    await first.kill();
    application.signal("SIGCONT");
    run.startSidecar("a", {}, PATIENT);
  },
} satisfies Record<string, (stage: Stage) => Promise<void>>;

export type ScenarioName = keyof typeof SCENARIOS;

/** How a scenario's application treats its input. */
export function conditionsOf(scenario: ScenarioName): Conditions {
  return scenario === "killedBehindRepartition" ? { ...USUAL, regroups: true } : USUAL;
}

/** A transaction with a record in each partition of the topic; it is left open. */
async function openTransaction(
  run: Checked,
  topic: string,
): Promise<{ readonly abort: () => Promise<void> }> {
  const transactionalId = `foreign-${topic}`;
  const producer = run.kafka.producer({
    transactionalId,
    maxInFlightRequests: 1,
    idempotent: true,
  });
  await producer.connect();
  const transaction = await producer.transaction();
  const messages = Array.from({ length: PARTITIONS }, (_, partition) => {
    return { partition, key: "foreign", value: "foreign" };
  });
  await transaction.send({ topic, messages });
  return {
    abort: async () => {
      await transaction.abort();
      await producer.disconnect();
    },
  };
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** A sidecar with its application. */
function start(run: Checked, name: string, environment: Record<string, string> = {}): Child {
  const sidecar = run.startSidecar(name, environment, PATIENT);
  run.startApplication(name);
  return sidecar;
}

async function killedAndRestarted(
  { run }: Stage,
  environment: Record<string, string>,
  meanwhile: () => void = () => {},
): Promise<void> {
  await run.send(SEED, 0, RECORDS);
  const first = start(run, "a", environment);
  await first.ended();
  meanwhile();
  run.startSidecar("a", {}, PATIENT);
}

async function killedAsWritten({ run }: Stage, moment: string): Promise<void> {
  await run.send(SEED, 0, RECORDS);
  const first = start(run, "a", { OUTRIGGER_TEST_DIE_WRITTEN: moment });
  await eventually(
    "it to die, or not to write so",
    async () => !first.isRunning || (await run.isDrained()),
    run.children,
  );
  const second = start(run, "b");
  await eventually("the second to listen", () => second.output.includes("is listening"), [second]);
}

async function overtakenAt({ run, proxy }: Stage, moment: string): Promise<void> {
  const first = await stoppedAt(run, moment);
  proxy.inject();
  const asked = (): number => proxy.requests.get(OFFSET_FETCH) ?? 0;
  const before = asked();
  start(run, "b");
  await eventually("the offsets to be asked for", () => asked() >= before + PARTITIONS);
  first.signal("SIGCONT");
  await run.send(SEED, RECORDS, RECORDS);
}

async function stoppedAt(run: Checked, moment: string): Promise<Child> {
  await run.send(SEED, 0, RECORDS);
  const first = start(run, "a", { OUTRIGGER_FAILPOINT: `${moment}:stop` });
  await eventually("it to stop itself", () => isStopped(first), run.children);
  return first;
}

function isStopped(child: Child): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(child.pid)], {
    encoding: "utf8",
  });
  return stdout.trim().startsWith("T");
}

function ofSidecar(run: Checked, rule: Rule): Rule {
  return { ...rule, when: ({ clientId }) => clientId === run.prefix };
}

/** Three producers in each partition: one commits, and two that overlap abort. */
function overlapping(prefix: string): ProduceStep[] {
  const [kept, one, two] = [`${prefix}-kept`, `${prefix}-one`, `${prefix}-two`];
  const steps: ProduceStep[] = [];
  const all = inputs(SEED, 0, 320);
  const send = (id: string, index: number): void => {
    const record = all[index];
    if (record === undefined) return;
    const key = Buffer.from(record.key);
    const partition = homeOf(key, PARTITIONS);
    const [value, { timestamp }] = [Buffer.from(record.value), record];
    steps.push({ do: "send", id, topic: `${prefix}-in`, partition, timestamp, key, value });
  };
  for (let from = 0; from < all.length; from += 80) {
    for (const id of [kept, one, two]) steps.push({ do: "begin", id });
    for (let index = from; index < from + 80; index++) {
      send([kept, one, two, one][index % 4] ?? kept, index);
      if (index % 8 === 7) for (const id of [kept, one, two]) steps.push({ do: "flush", id });
    }
    steps.push({ do: "abort", id: two }, { do: "abort", id: one }, { do: "commit", id: kept });
  }
  return steps;
}
