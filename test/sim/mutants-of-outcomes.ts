import type { Mutant } from "./mutants.ts";

const LANE = "src/runtime/lane.ts";
const ACTIVE = "src/runtime/active.ts";
const TAKEOVER = "src/runtime/takeover.ts";
const TRANSACTION = "src/transactions/transaction.ts";
const PRODUCER = "src/kafka/produce/transactional-producer.ts";

/** What follows when a commit's outcome is unknown, a task is taken over, or an answer is stale. */
export const OUTCOME_MUTANTS: readonly Mutant[] = [
  {
    name: "abort-on-timeout",
    rule: "R-7",
    edits: [
      {
        file: TRANSACTION,
        find: `    case "unknown":
      return unresolved(current.sinceMs, nowMs, limits);
    case "abortable":`,
        replace: `    case "unknown":
      return abort("refused", false);
    case "abortable":`,
      },
    ],
  },
  {
    name: "refusal-of-a-repeated-end-is-no",
    rule: "R-7",
    edits: [
      {
        file: TRANSACTION,
        find: `if (current.attempt === "repeated") return unresolved(current.sinceMs, nowMs, limits);`,
        replace: "",
      },
      {
        file: "src/kafka/errors.ts",
        find: 'return request === "EndTxn" ? { ...row, repeated: "unknown" } : row;',
        replace: "return row;",
      },
    ],
  },
  {
    name: "overlay-applied-by-comparing-offsets",
    rule: "R-7, V1",
    edits: [
      {
        file: LANE,
        find: "    return await this.#producer.initialize(this.#closing.signal);",
        replace: `    const verdict = await this.#producer.initialize(this.#closing.signal);
    if (verdict.kind !== "ready" || this.#transaction.state !== "resolving") return verdict;
    if (this.#cut === null) return verdict;
    const isOurs = await (this.#host as any).compare(offsetsOf(this.#cut, this.#lastOffsets));
    if (isOurs) {
      await this.#apply();
      this.#isApplied = true;
    }
    return verdict;`,
      },
      {
        file: LANE,
        find: `        this.#cut = null;
        this.#host.takeOverAll();`,
        replace: `        if (this.#isApplied) { this.#isApplied = false; return; }
        this.#cut = null;
        this.#host.takeOverAll();`,
      },
      {
        file: LANE,
        find: `  #awaitingHeartbeat = false;
  #cancelTimer`,
        replace: `  #awaitingHeartbeat = false;
  #isApplied = false;
  #cancelTimer`,
      },
      {
        file: ACTIVE,
        find: "      explained: () => this.#dispatchAll(),",
        replace: `      explained: () => this.#dispatchAll(),
      compare: async (wanted: readonly any[]) => {
        const signal = new AbortController().signal;
        const found = await this.#parts.offsets.committed({ memberId: "", memberEpoch: -1 },
          wanted, signal);
        return wanted.every(({ topic, partition, offset }) =>
          (found.get(topic + "-" + partition)?.offset ?? -1) >= offset);
      },`,
      },
    ],
  },
  {
    name: "epoch-of-the-end-not-adopted",
    rule: "R-14",
    edits: [
      {
        file: PRODUCER,
        find: `      this.#adopt({ id, epoch });
      this.#ending = null;
      // Each request was answered`,
        replace: `      this.#sequences.clear();
      this.#begunAtMs = 0;
      this.#ending = null;
      // Each request was answered`,
      },
    ],
  },
  {
    name: "cut-forgotten-on-abort",
    rule: "R-8",
    edits: [
      {
        file: LANE,
        find: `    for (const task of cut.tasks) if (this.#host.holds(task.runner)) restageTask(task);`,
        replace: `    for (const { runner } of cut.tasks) {
      if (this.#host.holds(runner)) runner.state.restage();
    }`,
      },
    ],
  },
  {
    name: "cut-not-put-back-in-order",
    rule: "R-8",
    edits: [
      {
        file: "src/stores/overlay.ts",
        find: `    for (const [name, value] of older) this.#put(name, value);
    for (const [name, value] of newer) this.#put(name, value);`,
        replace: `    for (const [name, value] of newer) this.#put(name, value);
    for (const [name, value] of older) this.#put(name, value);`,
      },
    ],
  },
  {
    name: "no-wait-for-the-heartbeat",
    rule: "R-8, V5",
    edits: [
      {
        file: LANE,
        find: `        this.#awaitHeartbeat();
        return;`,
        replace: "        return;",
      },
      {
        file: "src/transactions/commit-policy.ts",
        find: `  return Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** Math.min(abortsInARow - 1, 10));`,
        replace:
          "  return Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * Math.min(abortsInARow, 1));",
      },
    ],
  },
  {
    name: "unstable-offsets",
    rule: "R-9",
    edits: [
      {
        file: "src/kafka/protocol/offset-fetch.ts",
        find: '  writer.bool(stability === "stable").emptyTags();',
        replace: "  writer.bool(false).emptyTags();",
      },
    ],
  },
  {
    name: "restore-to-the-last-stable-offset",
    rule: "R-9",
    edits: [
      {
        file: "src/kafka/protocol/list-offsets.ts",
        find: "int32(CONSUMER_REPLICA).int8(READ_UNCOMMITTED)",
        replace: "int32(CONSUMER_REPLICA).int8(1)",
      },
      {
        file: TAKEOVER,
        find: `    invariant(position >= committedEnd, "a restored store must reach what was committed");`,
        replace: "",
      },
      {
        file: "src/tasks/restoration.ts",
        find: "  if (committed !== null && facts.logEnd < committed.end) {",
        replace: "  if (committed !== null && facts.logEnd < 0) {",
      },
    ],
  },
  {
    name: "no-restore",
    rule: "R-9",
    edits: [
      {
        file: TAKEOVER,
        find: "  for await (const chunk of deps.offsets.read(at, plan.from, plan.target, signal)) {",
        replace: `  position = plan.target;
  for await (const chunk of deps.offsets.read(at, plan.target, plan.target, signal)) {`,
      },
    ],
  },
  {
    name: "restore-reads-uncommitted",
    rule: "R-9",
    edits: [
      {
        file: "src/kafka/protocol/fetch.ts",
        find: "const READ_COMMITTED = 1;",
        replace: "const READ_COMMITTED = 0;",
      },
    ],
  },
  {
    name: "no-cross-check",
    rule: "R-9",
    isOfRuins: true,
    edits: [
      {
        file: "src/tasks/restoration.ts",
        find: "  if (committed !== null && facts.logEnd < committed.end) {",
        replace: "  if (committed !== null && facts.logEnd < 0) {",
      },
      {
        file: TAKEOVER,
        find: `    invariant(position >= committedEnd, "a restored store must reach what was committed");`,
        replace: "",
      },
    ],
  },
  {
    name: "aborted-records-by-their-key",
    rule: "KIP-98",
    edits: [
      {
        file: "src/kafka/fetch/visible-batches.ts",
        find: `        if (transaction === undefined || transaction.firstOffset > batch.lastOffset) break;
        abortedProducers.add(transaction.producerId);`,
        replace: `        if (transaction === undefined || transaction.firstOffset > batch.lastOffset) break;
        abortedProducers.clear();
        abortedProducers.add(transaction.producerId);`,
      },
    ],
  },
  {
    name: "store-kept-beyond-its-tombstones",
    rule: "R-10",
    edits: [
      {
        file: "src/tasks/restoration.ts",
        find: '  return absentMs > facts.deleteRetentionMs / 2 ? "tooOld" : "no";',
        replace: '  return absentMs > Number.MAX_SAFE_INTEGER ? "tooOld" : "no";',
      },
    ],
  },
  {
    name: "stale-answers-accepted",
    rule: "R-11",
    edits: [
      {
        file: ACTIVE,
        find: `    const isCurrent = held && runner !== undefined && runner.epoch === answer.taskEpoch;`,
        replace: "    const isCurrent = held !== null && runner !== undefined;",
      },
      {
        file: "src/tasks/ledger.ts",
        find: `found.worker !== worker) return null;
    return found;`,
        replace: `worker < -1) {
      return this.#entries.find((entry) => entry.state === "inFlight") ?? null;
    }
    return found;`,
      },
    ],
  },
  {
    name: "old-fetches-accepted",
    rule: "R-11",
    edits: [
      {
        file: "src/runtime/task-set.ts",
        find: "if (runner !== undefined && runner.epoch === chunk.fence) runner.fetched(chunk, facts);",
        replace: "if (runner !== undefined) runner.fetched(chunk, facts);",
      },
      {
        file: "src/kafka/fetch/consumer.ts",
        find: `    this.#release(name);
    this.#readers.set(name, reader);`,
        replace: `    const old = this.#readers.get(name);
    if (old !== undefined) this.#readers.set("old " + name, old);
    this.#readers.set(name, reader);`,
      },
      {
        file: "src/kafka/fetch/consumer.ts",
        find: "        if (!this.#isCurrent(reader)) return;\n        reader.moveTo(",
        replace: "        reader.moveTo(",
      },
      {
        file: "src/kafka/fetch/consumer.ts",
        find: "if (reader === undefined || !this.#isCurrent(reader)) continue;",
        replace: "if (reader === undefined) continue;",
      },
    ],
  },
  {
    // Since 4.0 a leader refuses a batch that overtook the first, and it is sent again.
    name: "retry-overtakes",
    rule: "R-3",
    isRedundant: true,
    edits: [
      {
        file: "src/kafka/produce/partition-queue.ts",
        find: `    if (this.#acked === 0 && inFlight > 0) return false;
`,
        replace: "",
      },
    ],
  },
  {
    name: "tail-of-a-batch-dropped",
    rule: "I1",
    edits: [
      {
        file: "src/runtime/emissions.ts",
        find: "    for (; this.#output < count; this.#output++) {",
        replace: "    for (; this.#output < count - (count > 4 ? 1 : 0); this.#output++) {",
      },
    ],
  },
];
