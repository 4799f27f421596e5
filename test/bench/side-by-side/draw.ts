import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY_ROOT } from "../../support/kafka-jars.ts";
import type { Run } from "./figures.ts";
import { svg } from "./picture.ts";
import { picturesOf } from "./pictures.ts";
import { sentencesOf } from "./report.ts";
import { tables } from "./tables.ts";
import { verdictLines } from "./verdicts.ts";

/** `npm run bench -- --draw FILE`: what docs/performance.md shows of a results file. */

const OPEN = "<!-- figures: written by `npm run bench -- --draw FILE` -->";
const CLOSE = "<!-- end of the figures -->";

/** The page with what stands between the marks replaced. */
export function withFigures(page: string, figures: string): string {
  const [from, to] = [page.indexOf(OPEN), page.indexOf(CLOSE)];
  if (from < 0 || to < from) throw new Error(`the page has no "${OPEN}" before "${CLOSE}"`);
  return `${page.slice(0, from + OPEN.length)}\n\n${figures}\n\n${page.slice(to)}`;
}

export function figuresOf(runs: readonly Run[], pictures: readonly string[]): string {
  const dates = [...new Set(runs.map(({ date }) => date))].sort();
  const commits = [...new Set(runs.map(({ commit }) => commit))];
  const when = `Measured ${dates.join(", ")}, at commit ${commits.join(", ")}.`;
  return [
    [when, ...sentencesOf(runs)].join(" "),
    `\`\`\`text\n${verdictLines(runs).join("\n")}\n\`\`\``,
    ...pictures.map((name) => `![${name.replace("-", " ")}](pictures/${name}.svg)`),
    tables(runs).trimEnd(),
  ].join("\n\n");
}

/** Returns the exit code. */
export function draw(runs: readonly Run[], root = REPOSITORY_ROOT): number {
  if (runs.length === 0) {
    process.stdout.write("there is no run in that file, so there is nothing to draw\n");
    return 2;
  }
  const folder = join(root, "docs/pictures");
  mkdirSync(folder, { recursive: true });
  const pictures = picturesOf(runs);
  for (const [name, picture] of pictures) writeFileSync(join(folder, `${name}.svg`), svg(picture));
  const page = join(root, "docs/performance.md");
  const text = figuresOf(runs, [...pictures.keys()]);
  writeFileSync(page, withFigures(readFileSync(page, "utf8"), text));
  process.stdout.write(
    `${[...pictures.keys()].join(", ")} in docs/pictures, and docs/performance.md\n`,
  );
  return 0;
}
