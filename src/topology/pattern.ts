import { matching } from "../model/source-pattern.ts";
import type { DeclaredNode, SourcePattern } from "../model/topology.ts";

/**
 * Patterns of source topics. Brokers match them with RE2, this sidecar with JavaScript, so only what means
 * the same in both is allowed: no flags, look-arounds, back references or named groups, and no escapes
 * but classes, borders and punctuation.
 */

const ESCAPES = /\\(?![dDwWsSbB]|[^A-Za-z0-9])/u;
const SPECIAL_GROUPS = /\(\?(?!:)/u;
const POSIX_CLASSES = /\[:\^?[a-z]+:\]/u;
const LENGTH_MAX = 1_000;

/** What is wrong with a pattern, and the remedy; null where nothing is. */
export function patternFault(pattern: string): string | null {
  const said = `its pattern "${pattern}"`;
  if (pattern.length > LENGTH_MAX) {
    return `its pattern has ${pattern.length} characters, ${LENGTH_MAX} are allowed: shorten it`;
  }
  if (ESCAPES.test(pattern) || SPECIAL_GROUPS.test(pattern) || POSIX_CLASSES.test(pattern)) {
    const text =
      "has a flag, look-around, back reference, named group or escape that brokers read otherwise";
    return `${said} ${text}: use groups, classes and repetitions only`;
  }
  try {
    matching(pattern, []);
    return null;
  } catch {
    return `${said} is no regular expression: correct it`;
  }
}

/** The patterns of all sources as one; undefined where there is none. */
export function patternOf(nodes: readonly DeclaredNode[]): SourcePattern | undefined {
  const sources = nodes.filter((node) => node.kind === "source");
  const patterns = sources.flatMap(({ pattern }) => (pattern === undefined ? [] : [pattern]));
  if (patterns.length === 0) return undefined;
  return { regex: oneOf(patterns), topics: sources.flatMap(({ topics }) => topics) };
}

/** What any of the patterns matches. */
export function oneOf(patterns: readonly string[]): string {
  return patterns.length === 1 ? String(patterns[0]) : patterns.map(grouped).join("|");
}

function grouped(pattern: string): string {
  return `(?:${pattern})`;
}
