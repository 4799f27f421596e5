import type { Edit } from "./edits.ts";

/** A rule removed or bent. */
export interface Mutant {
  readonly name: string;
  readonly rule: string;
  readonly edits: readonly Edit[];
  /**
   * Where another rule guards the same door: alone it does no harm, as the explicit-state model of the
   * rules says too.
   */
  readonly isRedundant?: true;
  /** Only a world that was ruined on purpose tells it. */
  readonly isOfRuins?: true;
}

/** Bounds that are made small in every simulation, so that small worlds reach them. */
export const SCALE: readonly Edit[] = [
  {
    file: "src/model/batch-bytes.ts",
    find: "const BATCH_BYTES_MAX = 128 * 1024;",
    replace: "const BATCH_BYTES_MAX = 512;",
  },
  {
    file: "src/kafka/produce/cut-batches.ts",
    find: "const BATCH_BYTES_FIRST = 8 * 1024;",
    replace: "const BATCH_BYTES_FIRST = 256;",
  },
  {
    file: "src/runtime/restored-pieces.ts",
    find: "const ENTRIES_MAX = 2_048;",
    replace: "const ENTRIES_MAX = 4;",
  },
  {
    file: "src/stores/directory.ts",
    find: "return (this.#options.memoryBytesMax * CACHE_SHARE) / Math.max(1, this.#openStores);",
    replace: "return 1_024;",
  },
  {
    file: "src/runtime/timers.ts",
    find: "const FIRED_MAX = 1_000;",
    replace: "const FIRED_MAX = 3;",
  },
  {
    file: "src/runtime/expiry.ts",
    find: "const EXPIRED_MAX = 1_000;",
    replace: "const EXPIRED_MAX = 1;",
  },
  {
    file: "src/stores/due-entries.ts",
    find: "const PAGE_ENTRIES = 1_000;",
    replace: "const PAGE_ENTRIES = 2;",
  },
  {
    file: "src/stores/entry-index.ts",
    find: "export const KNOWN_MAX = 65_536;",
    replace: "export const KNOWN_MAX = 2;",
  },
];

const LEDGER = "src/tasks/ledger.ts";
const LANE = "src/runtime/lane.ts";
const CUT = "src/runtime/cut.ts";
const ACTIVE = "src/runtime/active.ts";
const TAKEOVER = "src/runtime/takeover.ts";
const TASK_SET = "src/runtime/task-set.ts";
const TRANSACTION = "src/transactions/transaction.ts";

const OFFSETS_BEFORE_ACKS: readonly Edit[] = [
  {
    file: LANE,
    find: 'this.#answer(this.#produce(), (verdict) => ({ kind: "produced", verdict }));',
    replace: `{
          const early = this.#producer.sendOffsets(offsetsOf(this.#openCut(), new Map()),
            this.#host.membership());
          this.#early = early;
          this.#answer(early.then(() => this.#produce()), (verdict) => ({ kind: "produced", verdict }));
        }`,
  },
  {
    file: LANE,
    find: "const sent = this.#producer.sendOffsets(offsets, this.#host.membership());",
    replace: `const sent = this.#early ?? this.#producer.sendOffsets(offsets, this.#host.membership());
        this.#early = null;`,
  },
  {
    file: LANE,
    find: `  #awaitingHeartbeat = false;
  #cancelTimer`,
    replace: `  #awaitingHeartbeat = false;
  #early: any = null;
  #cancelTimer`,
  },
];

const END_BEFORE_OFFSETS: readonly Edit[] = [
  {
    file: TAKEOVER,
    find: "  const committed = await deps.offsets.committed(NOBODY, partitions, signal);",
    replace: `  const early = new Map<string, { start: number; end: number }>();
  for (const store of program.stores) {
    const at = { topic: store.changelogTopic, partition };
    early.set(topicPartitionName(at), await deps.offsets.range(at, signal));
  }
  const late = deps.offsets;
  deps = { ...deps, offsets: { committed: late.committed.bind(late), read: late.read.bind(late),
    range: async (at, s) => early.get(topicPartitionName(at)) ?? (await late.range(at, s)) } };
  const committed = await deps.offsets.committed(NOBODY, partitions, signal);`,
  },
];

/** The rows of the explicit-state model that this product has, and what the checkers must catch. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "cut-not-prefix",
    rule: "R-3",
    edits: [
      {
        file: LEDGER,
        find: `    while (this.#entries[end]?.state === "final") end++;
    return this.#entries.splice(0, end).map((entry) => entry.item);`,
        replace: `    while (this.#entries[end]?.state === "final") end++;
    const taken = this.#entries.filter((entry) => entry.state === "final");
    this.#entries = this.#entries.filter((entry) => entry.state !== "final");
    return taken.map((entry) => entry.item);`,
      },
    ],
  },
  {
    name: "cut-half-appended",
    rule: "R-3",
    edits: [
      {
        file: LANE,
        find: `      if (this.#transaction.state !== "producing") break;`,
        replace: `      break;`,
      },
    ],
  },
  {
    name: "head-value-in-cut",
    rule: "R-3",
    edits: [
      {
        file: "src/stores/overlay.ts",
        find: `    this.#cut = this.#staged;
    this.#staged = new Map();`,
        replace: `    this.#cut = new Map([...this.#staged, ...this.#head]);
    this.#staged = new Map();`,
      },
    ],
  },
  {
    name: "head-forgotten-by-a-failure",
    rule: "R-3, a past fault",
    edits: [
      {
        file: "src/runtime/walker.ts",
        find: "      if (!item.staged) for (const changes of item.changes) this.#state.advance(changes);",
        replace: "",
      },
    ],
  },
  {
    name: "damage-taken-for-a-lock",
    rule: "R-10, a past fault",
    edits: [
      {
        file: "src/stores/store-errors.ts",
        find: "const LOCKED = /^(?:IO error: )?(?:While lock file|lock hold by)/;",
        replace: "const LOCKED = /lock/i;",
      },
    ],
  },
  {
    name: "start-refused-after-one-look",
    rule: "R-9, a past fault",
    edits: [
      {
        file: "src/runtime/preflight.ts",
        find: "isForbidden ? await this.#look(programs) : first;",
        replace: "isForbidden ? first : first;",
      },
    ],
  },
  {
    name: "offsets-before-acks",
    rule: "R-4",
    edits: OFFSETS_BEFORE_ACKS,
    isRedundant: true,
  },
  { name: "end-before-offsets", rule: "R-9", edits: END_BEFORE_OFFSETS, isRedundant: true },
  {
    name: "offsets-before-acks-and-end-before-offsets",
    rule: "R-4 and R-9",
    edits: [...OFFSETS_BEFORE_ACKS, ...END_BEFORE_OFFSETS],
  },
  {
    name: "store-before-end",
    rule: "R-4",
    edits: [
      {
        file: LANE,
        find: `        this.#answer(this.#producer.end(effect.outcome, effect.attempt), (verdict) => ({`,
        replace: `        this.#answer((effect.outcome === "commit" && effect.attempt === "first"
          ? this.#write() : Promise.resolve()).then(() => this.#producer.end(effect.outcome,
            effect.attempt)), (verdict) => ({`,
      },
      {
        file: LANE,
        find: `    const writes = held.map(async (task) => {
      await task.runner.state.commit(marksOf(task, this.#lastOffsets, wallMs));
    });`,
        replace: "    const writes: Promise<void>[] = [];",
      },
      {
        file: LANE,
        find: "  #restage(cause: AbortCause): void {",
        replace: `  async #write(): Promise<void> {
    for (const task of this.#openCut().tasks) {
      if (this.#host.holds(task.runner)) {
        await task.runner.state.commit(marksOf(task, this.#lastOffsets, this.#clock.wallMs()));
      }
    }
  }

  #restage(cause: AbortCause): void {`,
      },
    ],
  },
  {
    name: "position-before-data",
    rule: "R-4",
    edits: [
      {
        file: "src/stores/task-state.ts",
        find: "    await this.#database.write(entries, columns);\n",
        replace: `    await this.#database.write(entries.slice(-1));
    await this.#database.write(entries.slice(0, -1), columns);
`,
      },
    ],
  },
  {
    name: "filter-misses-written",
    rule: "R-4",
    edits: [
      {
        file: "src/stores/state-table.ts",
        find: "      this.filter.add(this.#entries.get(entry, HASH));\n",
        replace: "",
      },
    ],
  },
  {
    name: "filter-misses-restored",
    rule: "R-9",
    edits: [
      {
        file: "src/stores/state-table.ts",
        find: "    this.filter.addAll(hashes, count);\n",
        replace: "",
      },
    ],
  },
  {
    name: "filter-of-full-disk",
    rule: "R-9",
    edits: [
      {
        file: "src/stores/task-state.ts",
        find: "opened.marks?.positions.has(store) !== true;",
        replace: "true;",
      },
    ],
  },
  {
    name: "piece-says-chunk",
    rule: "R-4",
    edits: [
      {
        file: "src/runtime/restored-pieces.ts",
        find: "row < columns.count ? (columns.offsets[row] as number) : nextOffset;",
        replace: "nextOffset;",
      },
    ],
  },
  {
    name: "piece-has-first-value",
    rule: "R-9",
    edits: [
      {
        file: "src/runtime/restored-pieces.ts",
        find: "      piece.rows[slot] = row;\n",
        replace: "      piece.rows[slot] ||= row;\n",
      },
    ],
  },
  {
    name: "data-before-position",
    rule: "R-4",
    edits: [
      {
        file: "src/stores/task-state.ts",
        find: "    await this.#database.write(entries, columns);\n",
        replace: `    await this.#database.write(entries.slice(0, -1), columns);
    await this.#database.write(entries.slice(-1));
`,
      },
    ],
  },
  {
    name: "position-beyond-the-cut",
    rule: "R-4",
    edits: [
      {
        file: CUT,
        find: "after.set(index, { topicId: before.topicId, position: last + 1 });",
        replace: "after.set(index, { topicId: before.topicId, position: last + 2 });",
      },
    ],
  },
  {
    name: "offsets-of-first-task-only",
    rule: "R-5",
    edits: [
      {
        file: CUT,
        find: "  return cut.tasks.flatMap((task) => {",
        replace: "  return cut.tasks.slice(0, 1).flatMap((task) => {",
      },
    ],
  },
  {
    name: "last-offset-plus-one",
    rule: "R-5",
    edits: [
      {
        file: "src/runtime/input-queue.ts",
        find: "nextOffset: whole ? head.nextOffset : (head.columns.offsets[to] ?? head.nextOffset),",
        replace: "nextOffset: (head.columns.offsets[to - 1] ?? head.nextOffset - 1) + 1,",
      },
    ],
  },
  {
    name: "no-ownership-commit",
    rule: "R-5",
    edits: [
      { file: TASK_SET, find: "    if (!found.isNew) runner.phase", replace: "    runner.phase" },
    ],
  },
  {
    name: "stream-time-of-the-newest",
    rule: "R-17",
    edits: [
      {
        file: CUT,
        find: "  runner.cutStreamTimeMs = streamTimeMs;",
        replace: `  streamTimeMs += 700;
  runner.cutStreamTimeMs = streamTimeMs;`,
      },
    ],
  },
  {
    name: "no-member-in-offset-commit",
    rule: "R-6",
    edits: [
      {
        file: LANE,
        find: "const sent = this.#producer.sendOffsets(offsets, this.#host.membership());",
        replace:
          'const sent = this.#producer.sendOffsets(offsets, { memberId: "", memberEpoch: -1 });',
      },
    ],
  },
  {
    name: "work-kept-on-loss",
    rule: "R-6",
    edits: [
      {
        file: ACTIVE,
        find: "          this.#lane?.lost(this.#tasks.dropAll());",
        replace: "",
      },
      {
        file: TASK_SET,
        find: "      if (!this.#runners.has(name) && !this.#opening.has(name)) this.open(id);",
        replace: "      if (!this.#opening.has(name) && !this.#runners.has(name)) this.open(id);",
      },
    ],
  },
  {
    name: "revocation-acknowledged-under-an-open-cut",
    rule: "R-6",
    edits: [
      {
        file: ACTIVE,
        find: `      if (runner.hasFinal || this.#lane?.holds(runner) === true) continue;
      this.#letGo(runner);`,
        replace: `      if (this.#lane?.holds(runner) === true) {
        for (const at of runner.partitions) if (!this.#told.has(runner)) this.#group.released(at);
        this.#told.add(runner);
        continue;
      }
      if (this.#told.has(runner)) { this.#tasks.drop(runner); continue; }
      if (runner.hasFinal) continue;
      this.#letGo(runner);`,
      },
      {
        file: ACTIVE,
        find: "  #draining = false;",
        replace: `  #draining = false;
  readonly #told = new Set<TaskRunner>();`,
      },
    ],
  },
  {
    name: "stale-epoch-aborts",
    rule: "R-6, V6",
    edits: [
      {
        file: TRANSACTION,
        find: `>= limits.deadlineMs) return abort("deadline", true);
      return {`,
        replace: `>= -1) return abort("deadline", true);
      return {`,
      },
    ],
  },
];
