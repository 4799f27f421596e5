import type { Mutant } from "./mutants.ts";

const RUNNER = "src/runtime/task-runner.ts";

/** What makes a hook run for each committed record, where its record was, and for nothing else. */
export const HOOK_MUTANTS: readonly Mutant[] = [
  {
    name: "hook-done-before-it-has-run",
    rule: "ADR 0014",
    edits: [
      {
        file: RUNNER,
        find: `    if (walked === "done") this.#finish(entry);
    if (walked !== "hop") return;`,
        replace: `    const isEarly = this.program.hook !== null && this.commitSequence > 3;
    if (walked === "done" || isEarly) this.#finish(entry);
    if (walked !== "hop" || isEarly) return;`,
      },
    ],
  },
  {
    name: "hook-asked-where-the-key-says",
    rule: "ADR 0014",
    edits: [
      {
        file: "src/runtime/emissions.ts",
        find: "      record.partition = this.#partitions[sink] ?? -1;",
        replace: "      record.partition = -1;",
      },
    ],
  },
  {
    name: "hook-runs-for-what-was-aborted",
    rule: "ADR 0014",
    edits: [
      {
        file: "src/kafka/fetch/visible-batches.ts",
        find: "        isVisible = false;",
        replace: '        isVisible = at.topic.endsWith("-hook");',
      },
    ],
  },
];
