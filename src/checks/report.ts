import type { Finding } from "./finding.ts";

/** What a check found, and whether an application told its topology. */
export interface Report {
  readonly findings: readonly Finding[];
  readonly topology: "told" | "unknown";
}

export function isForbidden({ findings }: Report): boolean {
  return findings.some(({ severity }) => severity === "forbidden");
}

/** For scripts: one object. */
export function reportJson(report: Report): string {
  const { findings, topology } = report;
  return `${JSON.stringify({ topology, ...countsOf(findings), findings }, null, 2)}\n`;
}

/** For people: a block for each finding, and a line that sums up. */
export function reportText({ findings, topology }: Report): string {
  const blocks = findings.map(
    ({ severity, name, problem, consequence, remedy, code }) =>
      `${severity.toUpperCase()}  ${name}\n` +
      `  found     ${problem}\n` +
      `  leads to  ${consequence}\n` +
      `  remedy    ${remedy}\n` +
      `  more      docs/errors/${code}.md\n\n`,
  );
  const { forbidden, warnings, notes } = countsOf(findings);
  const hint = topology === "told" ? "" : HINT;
  return `${blocks.join("")}${hint}${forbidden} forbidden, ${warnings} warned of, ${notes} noted\n`;
}

const HINT =
  "Not checked: what needs the topology, since no application told it. Append its command after " +
  "`--`, or use --wait.\n";

function countsOf(
  findings: readonly Finding[],
): Record<"forbidden" | "warnings" | "notes", number> {
  const count = (severity: Finding["severity"]) =>
    findings.filter((each) => each.severity === severity).length;
  return { forbidden: count("forbidden"), warnings: count("warning"), notes: count("note") };
}
