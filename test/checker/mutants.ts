import type { Edit } from "../sim/edits.ts";
import { MUTANTS as RULES } from "../sim/mutants.ts";
import { OUTCOME_MUTANTS } from "../sim/mutants-of-outcomes.ts";
import { REPARTITION_MUTANTS } from "../sim/mutants-of-repartitions.ts";
import type { ScenarioName } from "./scenarios.ts";

/** A mutant of the simulator's tables, and the scenario under which a real broker tells on it. */
export interface RealMutant {
  readonly name: string;
  readonly rule: string;
  readonly scenario: ScenarioName;
  readonly edits: readonly Edit[];
}

const FLUSHED = `        throw operationError(this.path, \`writing \${count} entries to\`, error);
      });`;

/** What scenarios need of every build, the unmutated one too: death as a batch of one kind is on disk. */
export const SCAFFOLD: readonly Edit[] = [
  {
    file: "src/stores/database.ts",
    find: FLUSHED,
    replace: `${FLUSHED}
      const [kind, times] = (process.env["OUTRIGGER_TEST_DIE_WRITTEN"] ?? "").split(":");
      const isMarks = entries.length === 1 && /"commitSequence":[1-9]/.test(String(entries[0]?.[1]));
      const isData = entries.length > 0 && !entries.some(([key]) => String(key).endsWith("marks"));
      const isWanted = kind === "marks" ? isMarks : kind === "data" ? isData : kind === "any";
      if (isWanted && ++writes === Number(times)) process.kill(process.pid, "SIGKILL");`,
  },
  {
    file: "src/stores/database.ts",
    find: "const READ_CAPACITY = 512;",
    replace: "const READ_CAPACITY = 512;\nlet writes = 0;",
  },
];

/** Which scenario kills which: those of the simulator that are not here need what one broker lacks. */
const BY_SCENARIO: Readonly<Record<string, ScenarioName>> = {
  "tail-of-a-batch-dropped": "calm",
  "offsets-of-first-task-only": "calm",
  "last-offset-plus-one": "transactionalInput",
  "aborted-records-by-their-key": "transactionalInput",
  "restore-reads-uncommitted": "killedBeforeOffsets",
  "no-restore": "killedAndWiped",
  "restore-to-the-last-stable-offset": "foreignTransaction",
  "store-before-end": "killedWithItsEnd",
  "position-before-data": "killedAfterMarks",
  "data-before-position": "killedAfterData",
  "abort-on-timeout": "lostAnswers",
  "cut-forgotten-on-abort": "refused",
  "no-member-in-offset-commit": "zombie",
  "unstable-offsets": "zombieWithOffsets",
  "work-kept-on-loss": "zombieReturns",
  "stale-answers-accepted": "revokedBatches",
  "purge-of-what-is-only-read": "killedBehindRepartition",
  "repartition-where-the-record-was": "killedBehindRepartition",
};

export const MUTANTS: readonly RealMutant[] = Object.entries(BY_SCENARIO).map(
  ([name, scenario]) => {
    const found = [...RULES, ...OUTCOME_MUTANTS, ...REPARTITION_MUTANTS].find(
      (mutant) => mutant.name === name,
    );
    if (found === undefined) throw new Error(`the simulator has no mutant ${name}`);
    return { name, rule: found.rule, scenario, edits: found.edits };
  },
);
