import type { Mutant } from "./mutants.ts";

const TIMERS = "src/runtime/timers.ts";
const FIRED = "src/runtime/fired-rows.ts";
const INDEX = "src/stores/timer-index.ts";

/** What makes a timer fire once, in its time, and not after it was cancelled. */
export const TIMER_MUTANTS: readonly Mutant[] = [
  {
    name: "fired-whatever-became-of-the-timer",
    rule: "ADR 0018",
    edits: [
      {
        file: FIRED,
        find: "    return { ...rest, value: isSame ? value : null };",
        replace: `    const stands = isSame || timer === null ? value : (value ?? encodeTimer({
      timeMs: range.columns.timestamps[row] ?? 0, firedAtMs: null }));
    return { ...rest, value: stands };`,
      },
      {
        file: FIRED,
        find: "    const { row, range } = rest;",
        replace: "    const { row, range, timer } = rest;",
      },
    ],
  },
  {
    name: "fired-though-it-was-moved",
    rule: "ADR 0018",
    edits: [
      {
        file: FIRED,
        find: "    return { ...rest, value: isSame ? value : null };",
        replace: "    return { ...rest, value: isSame ? value : value };",
      },
    ],
  },
  {
    name: "fired-and-not-marked",
    rule: "R-17",
    edits: [{ file: TIMERS, find: "      changes.push(fired.changes);\n", replace: "" }],
  },
  {
    name: "marked-and-not-fired",
    rule: "R-17",
    edits: [{ file: TIMERS, find: "      emissions.push(fired.emission);\n", replace: "" }],
  },
  {
    name: "handled-and-kept",
    rule: "ADR 0018",
    edits: [
      {
        file: FIRED,
        find: "  if (key !== null) return null;\n",
        replace: "  if (key !== null) return value;\n",
      },
    ],
  },
  {
    name: "timers-a-little-early",
    rule: "ADR 0018",
    edits: [
      {
        file: TIMERS,
        find: "await state.dueTimers(store, number, nowMs, FIRED_MAX);",
        replace: "await state.dueTimers(store, number, nowMs + 25, FIRED_MAX);",
      },
    ],
  },
  {
    name: "cancels-forgotten",
    rule: "ADR 0018",
    edits: [
      {
        file: "src/runtime/timer-answers.ts",
        find: "    keys.push(encodeTimerKey({",
        replace: `    if ((times[i] ?? -1) < 0) continue;
    keys.push(encodeTimerKey({`,
      },
    ],
  },
  {
    name: "two-timers-of-a-key-in-a-batch",
    rule: "ADR 0018",
    edits: [
      {
        file: FIRED,
        find: "    if (seen.has(name)) return { rowsMax: row - input.from };",
        replace: "    if (seen.has(name)) void input;",
      },
    ],
  },
  {
    name: "fired-while-a-batch-is-under-way",
    rule: "R-17",
    edits: [
      {
        file: "src/runtime/upkeep.ts",
        find: "    return this.#ledger.unfinished === 0 && this.#timers.isDue(streamTimeMs);",
        replace: "    return this.#timers.isDue(streamTimeMs);",
      },
    ],
  },
  {
    name: "timers-move-stream-time",
    rule: "ADR 0018",
    edits: [
      {
        file: "src/runtime/walker.ts",
        find: "const after = fired === null ? latestTimestamp(input, streamTimeMs) : streamTimeMs;",
        replace: "const after = latestTimestamp(input, streamTimeMs);",
      },
    ],
  },
  {
    name: "wall-clock-never-wakes",
    rule: "ADR 0018",
    edits: [
      {
        file: TIMERS,
        find: "      this.#arm();\n      this.#wake();\n",
        replace: "      this.#arm();\n",
      },
    ],
  },
  {
    name: "earlier-timers-not-noticed",
    rule: "ADR 0018",
    edits: [
      {
        file: TIMERS,
        find: "        if (watch.node.store === each.store) lower(watch, each.keys, each.values);",
        replace:
          "        if (watch.node.store !== each.store) lower(watch, each.keys, each.values);",
      },
    ],
  },
  {
    // Nothing is under way that could be taken back with it.
    name: "found-and-not-wanted-forgotten",
    rule: "R-17",
    isRedundant: true,
    edits: [
      {
        file: "src/runtime/upkeep.ts",
        find: "    else if (batch === null) this.#timers.again();",
        replace: "    else if (batch === null) void batch;",
      },
    ],
  },
  {
    name: "former-places-kept",
    rule: "ADR 0018",
    edits: [
      {
        file: INDEX,
        find: "      if (was !== null) entries.push([this.#at(key, was), null]);\n",
        replace: "",
      },
    ],
  },
  {
    name: "moved-timers-without-a-place",
    rule: "ADR 0018",
    edits: [
      {
        file: INDEX,
        find: "      if (is !== null) entries.push([this.#at(key, is), NOTHING]);",
        replace:
          "      if (is !== null && was === null) entries.push([this.#at(key, is), NOTHING]);",
      },
    ],
  },
  {
    name: "unwritten-timers-overlooked",
    rule: "ADR 0018, ADR 0023",
    edits: [
      {
        file: INDEX,
        find: "  const all = [...stored];",
        replace: "  const all = [...stored];\n  if (stored.length > 0) newer = new Map();",
      },
    ],
  },
  {
    name: "punctuations-missed-are-made-up-for",
    rule: "ADR 0018",
    edits: [
      {
        file: "src/model/timers.ts",
        find: "  return dueMs + (missed + 1) * intervalMs;",
        replace: "  return dueMs + Math.min(missed + 1, 1) * intervalMs;",
      },
    ],
  },
  {
    name: "punctuators-scheduled-anew-at-a-takeover",
    rule: "ADR 0018",
    edits: [
      {
        file: TIMERS,
        find: "      if (value !== null && (waits === null || waits <= nowMs + intervalMs)) continue;",
        replace: "      if (value !== null && waits === null) continue;",
      },
    ],
  },
];
