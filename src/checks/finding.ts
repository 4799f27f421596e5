import type { ErrorCode } from "../errors/catalog.ts";
import { OutriggerError } from "../errors/outrigger-error.ts";
import { entryOf, type FindingName, findingNames, type Severity } from "./catalogue.ts";

/** One thing that is wrong, or worth knowing. */
export interface Finding {
  readonly name: FindingName;
  readonly severity: Severity;
  /** What it is about: `topic orders`, `broker 2`. */
  readonly subject: string;
  /** What is the case, with the value. */
  readonly problem: string;
  /** What it leads to. */
  readonly consequence: string;
  readonly remedy: string;
  /** Its page in docs/errors says more. */
  readonly code: ErrorCode;
}

interface Said {
  readonly subject: string;
  readonly problem: string;
  readonly consequence: string;
  readonly remedy: string;
  /** Where it differs from the usual one of the name, and so the page. */
  readonly severity?: Severity;
  readonly code?: ErrorCode;
}

export function finding(name: FindingName, said: Said): Finding {
  const { severity, code } = entryOf(name);
  return { name, severity, code, ...said };
}

const SEVERITIES: readonly Severity[] = ["forbidden", "warning", "note"];

/** The worst first, then in the catalogue's order, then as they came. */
export function sorted(findings: readonly Finding[]): Finding[] {
  const rank = ({ severity, name }: Finding) =>
    SEVERITIES.indexOf(severity) * findingNames.length + findingNames.indexOf(name);
  return [...findings].sort((a, b) => rank(a) - rank(b));
}

/** Makes warnings of what is forbidden, known, accepted by name and may be accepted at all. */
export function withAccepted(findings: readonly Finding[], accepted: readonly string[]): Finding[] {
  const demoted = findings.map((each) => {
    const isAccepted = accepted.includes(each.name) && entryOf(each.name).acceptable === true;
    return isAccepted && each.severity === "forbidden"
      ? ({ ...each, severity: "warning" } as const)
      : each;
  });
  return [...demoted, ...accepted.flatMap(uselessAcceptance)];
}

function uselessAcceptance(name: string): Finding[] {
  const known = findingNames.find((each): each is FindingName => each === name);
  if (known !== undefined && entryOf(known).acceptable === true) return [];
  const why = known === undefined ? "is the name of no finding" : "cannot be accepted";
  const acceptable = findingNames.filter((each) => isAcceptable(each));
  return [
    finding("check.accept", {
      subject: `check.accept ${name}`,
      problem: `check.accept names ${name}, which ${why}`,
      consequence: "it has no effect",
      remedy: `take it out; what can be accepted is ${acceptable.join(", ")}`,
    }),
  ];
}

function isAcceptable(name: string): boolean {
  const known = findingNames.find((each): each is FindingName => each === name);
  return known !== undefined && entryOf(known).acceptable === true;
}

export function sentenceOf({ problem, consequence, remedy }: Finding): string {
  return `${problem}: ${consequence}. ${capital(remedy)}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What forbids the start, all of it, as one error; null when nothing does. */
export function refusalOf(findings: readonly Finding[]): CheckRefused | null {
  const forbidden = sorted(findings.filter(({ severity }) => severity === "forbidden"));
  const [first, ...others] = forbidden;
  if (first === undefined) return null;
  if (others.length === 0) return new CheckRefused(first.code, sentenceOf(first));
  const list = forbidden.map((each) => `\n- ${each.name}: ${sentenceOf(each)}`).join("");
  return new CheckRefused(
    first.code,
    `${forbidden.length} things forbid exactly-once, so nothing was started:${list}`,
  );
}

/** A start that a check refused. Its code is that of the first finding. */
export class CheckRefused extends OutriggerError {}
