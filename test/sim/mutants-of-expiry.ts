import type { Mutant } from "./mutants.ts";

const EXPIRY = "src/runtime/expiry.ts";
const TTL = "src/runtime/time-to-live.ts";
const TIMES = "src/stores/value-times.ts";

/** What makes an entry with a time to live be gone in its time, everywhere, and not before. */
export const EXPIRY_MUTANTS: readonly Mutant[] = [
  {
    name: "gone-and-still-read",
    rule: "ADR 0020",
    edits: [
      {
        file: TTL,
        find: "        else if (isGone(value, ttlMs, time)) found.positions[slot * 2 + 1] = -1;",
        replace:
          "        else if (isGone(value, ttlMs + 200, time)) found.positions[slot * 2 + 1] = -1;",
      },
    ],
  },
  {
    name: "batches-not-taken-in-halves",
    rule: "ADR 0020",
    edits: [
      {
        file: TTL,
        find: "      } else if (mayGo === true && (oldest[slot] as number) + ttlMs <= time) return false;",
        replace: "      }",
      },
    ],
  },
  {
    name: "timers-are-read-at-their-own-time",
    rule: "ADR 0018, a past fault",
    edits: [
      {
        file: "src/runtime/planner.ts",
        find: "  if (!isTimed || (rows === input && !isOfTimers)) return clock;",
        replace: "  if (!isTimed || (rows === input && isOfTimers === isOfTimers)) return clock;",
      },
    ],
  },
  {
    name: "deleted-too-early",
    rule: "ADR 0020",
    edits: [
      {
        file: EXPIRY,
        find: "      const timeMs = now - retentionMs;",
        replace: "      const timeMs = now - retentionMs + 40;",
      },
    ],
  },
  {
    name: "never-deleted",
    rule: "ADR 0020",
    edits: [
      {
        file: EXPIRY,
        find: "      if (count > 0) changes.push(",
        replace: "      if (count > 0 && !isRewritten) changes.push(",
      },
    ],
  },
  {
    name: "deleted-while-a-batch-is-under-way",
    rule: "ADR 0020",
    edits: [
      {
        file: EXPIRY,
        find: "    if (unfinished > 0 && this.#hasRewritten) return false;\n",
        replace: "    if (unfinished > 1_000) return false;\n",
      },
    ],
  },
  {
    name: "what-comes-late-never-looked-for",
    rule: "ADR 0020",
    edits: [
      {
        file: EXPIRY,
        find: "    this.#hasMore ||= batch.changes.length > 0 && this.#hasRewritten;\n",
        replace: "",
      },
    ],
  },
  {
    name: "stale-places-dropped",
    rule: "ADR 0020",
    edits: [
      {
        file: TIMES,
        find: "      if (actualMs !== null) this.#add(name, actualMs, key, entries);\n",
        replace: "",
      },
    ],
  },
  {
    name: "a-time-that-moves-back-not-indexed",
    rule: "ADR 0020",
    edits: [
      {
        file: TIMES,
        find: "    if (known !== undefined && known <= timeMs) return;",
        replace: "    if (known !== undefined) return;",
      },
    ],
  },
  {
    name: "unwritten-values-overlooked",
    rule: "ADR 0020, ADR 0023",
    edits: [
      {
        file: "src/stores/due-entries.ts",
        find: '    if (at > timeMs || overlay.find(name, "head") !== value) continue;',
        replace: "    if (at >= 0) continue;",
      },
    ],
  },
  {
    name: "written-under-the-time-of-the-commit",
    rule: "ADR 0020",
    edits: [
      {
        file: "src/runtime/cut.ts",
        find: "record.timestamp = isStamped ? readLong(values.bytes, position) : streamTimeMs;",
        replace: "record.timestamp = isStamped ? streamTimeMs : streamTimeMs;",
      },
    ],
  },
];
