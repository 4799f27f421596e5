import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Run } from "./figures.ts";

/** What makes two runs the same one: a second call does not do it again. */
export function nameOf(
  run: Pick<Run, "workload" | "system" | "records" | "seed" | "round">,
): string {
  return `${run.round} ${run.workload} ${run.system} ${run.records} ${run.seed}`;
}

/** Runs, one JSON line each. */
export class Results {
  readonly #file: string | null;
  readonly #runs = new Map<string, Run>();

  /** What the file holds already counts; a last line that was cut off in the middle goes. */
  constructor(file: string | null) {
    this.#file = file;
    if (file === null || !existsSync(file)) return;
    const text = readFileSync(file, "utf8");
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    if (whole.length < text.length) writeFileSync(file, whole);
    for (const line of whole.split("\n")) {
      if (line === "") continue;
      const run = JSON.parse(line) as Run;
      this.#runs.set(nameOf(run), run);
    }
  }

  find(wanted: Parameters<typeof nameOf>[0]): Run | null {
    return this.#runs.get(nameOf(wanted)) ?? null;
  }

  /** In the order of the file. */
  all(): readonly Run[] {
    return [...this.#runs.values()];
  }

  add(run: Run): void {
    this.#runs.set(nameOf(run), run);
    if (this.#file !== null) appendFileSync(this.#file, `${JSON.stringify(run)}\n`);
  }
}
