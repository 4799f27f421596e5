import type { Mutant } from "./mutants.ts";

const PARKING = "src/runtime/parking.ts";

/** What makes a key wait, and lets it go once. */
export const PARKING_MUTANTS: readonly Mutant[] = [
  {
    name: "later-records-of-a-parked-key-dispatched",
    rule: "ADR 0011",
    edits: [
      {
        file: PARKING,
        find: "    if (this.keys.size === 0) return allOf(taken);",
        replace: "    if (this.keys.size >= 0) return allOf(taken);",
      },
    ],
  },
  {
    // What left waits for the command's end to leave the store: a crash between lets it go again.
    name: "release-applied-twice-after-a-crash",
    rule: "ADR 0011",
    edits: [
      {
        file: PARKING,
        find: "      changes.push(this.#letGo(taken.released));",
        replace: `      const gone = this.#letGo(taken.released);
      this.#late = { ...gone, keys: [...this.#late.keys, ...gone.keys],
        values: [...this.#late.values, ...gone.values] };`,
      },
      {
        file: PARKING,
        find: "    if (settles !== null) changes.push(settles);",
        replace: `    if (settles !== null && taken.input.to === taken.input.from) {
      changes.push({ ...this.#late, store: settles.store });
      this.#late = { store: 0, keys: [], values: [] };
    }
    if (settles !== null) changes.push(settles);`,
      },
      {
        file: PARKING,
        find: "  #release: Release | null = null;",
        replace: `  #release: Release | null = null;
  #late: StoreChanges = { store: 0, keys: [], values: [] };`,
      },
    ],
  },
  {
    name: "parked-keys-forgotten-at-a-takeover",
    rule: "ADR 0011",
    edits: [
      {
        file: "src/runtime/open-parking.ts",
        find: "  for (const { key, ...record } of waiting) keys.add(key, record);",
        replace: "",
      },
    ],
  },
  {
    name: "parked-rows-kept-when-their-batch-is-taken-back",
    rule: "ADR 0011",
    edits: [
      {
        file: "src/runtime/task-runner.ts",
        find: "      this.parking?.undo(item.parked);",
        replace: "",
      },
    ],
  },
];
