import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";

const PAGE = join(REPOSITORY_ROOT, "README.md");
const MARKED =
  /(<!-- capabilities: npm run conformance -- all --write -->\n)[\s\S]*?(<!-- end -->)/;

/** Puts the table into the README between its marks. */
export function writeReadme(table: string): void {
  const text = readFileSync(PAGE, "utf8");
  writeFileSync(
    PAGE,
    text.replace(MARKED, (_, begin: string, end: string) => `${begin}\n${table}\n\n${end}`),
  );
}

/** What is wrong with the README's table; null where it is this one. */
export function readmeFault(table: string): string | null {
  const found = MARKED.exec(readFileSync(PAGE, "utf8"));
  if (found === null) return "README.md has no marks for the capability table";
  if (found[0].includes(`\n${table}\n`)) return null;
  return "README.md shows another capability table: run npm run conformance -- all --write";
}
