import type { Mutant } from "./mutants.ts";

const WALK = "src/runtime/walk.ts";

/** What makes a batch of several hops one unit, and keeps its place at every step. */
export const HOP_MUTANTS: readonly Mutant[] = [
  {
    name: "second-hop-lost",
    rule: "R-1",
    edits: [
      {
        file: WALK,
        find: `  batch.emissions.push({ kind: "answer", stage, rows: placesOf(rows), outputs });`,
        replace: `  if (stage.index === 0 || outputs.count !== 2) {
    batch.emissions.push({ kind: "answer", stage, rows: placesOf(rows), outputs });
  }`,
      },
    ],
  },
  {
    name: "second-hop-doubled",
    rule: "R-1",
    edits: [
      {
        file: WALK,
        find: `  batch.emissions.push({ kind: "answer", stage, rows: placesOf(rows), outputs });`,
        replace: `  batch.emissions.push({ kind: "answer", stage, rows: placesOf(rows), outputs });
  if (stage.index > 0 && outputs.count === 2) {
    batch.emissions.push({ kind: "answer", stage, rows: placesOf(rows), outputs });
  }`,
      },
    ],
  },
  {
    name: "final-after-the-first-hop",
    rule: "R-1",
    edits: [
      {
        file: "src/runtime/task-runner.ts",
        find: "    if (this.#walker.hasRows(batch)) {",
        replace: "    if (this.#walker.hasRows(batch) && batch.taken.input.to % 7 !== 0) {",
      },
    ],
  },
  {
    name: "batches-pass-each-other",
    rule: "R-3",
    edits: [
      {
        file: "src/runtime/walker.ts",
        find: "    if (elder === undefined || elder.nextStep > step) return true;",
        replace: "    if (elder === undefined || elder.nextStep > step || step > 0) return true;",
      },
    ],
  },
  {
    name: "changes-between-hops-forgotten",
    rule: "R-1",
    edits: [
      {
        file: WALK,
        find: "  for (const each of changes) batch.changes.push(each);",
        replace: "  if (changes.length > 0) batch.changes = [...changes];",
      },
    ],
  },
];
