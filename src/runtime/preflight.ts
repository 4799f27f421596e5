import { checkCluster } from "../checks/check.ts";
import {
  changelogsOf,
  controlsOf,
  type Expected,
  outputsOf,
  subscriptionOf,
} from "../checks/expected.ts";
import { type Finding, refusalOf, sentenceOf } from "../checks/finding.ts";
import { formerChangelogs } from "../checks/former-topology.ts";
import type { ClusterFacts } from "../model/cluster-facts.ts";
import type { Programs } from "../model/topology.ts";
import type { Inspector, Wanted } from "../ports/inspector.ts";
import type { Log } from "../ports/log.ts";

export interface PreflightParts {
  readonly inspector: Inspector;
  /** What is known of the application before it tells its topology. */
  readonly expected: Omit<Expected, "programs">;
  readonly transactionalId: () => string;
  readonly log: Log;
  /** For development, where warnings of a cluster of one say nothing new. */
  readonly tellsWarnings: boolean;
}

/** Brokers that do not answer within it leave the check incomplete, which is said. */
const TIMEOUT_MS = 10_000;

/** The checks before a start: once without a topology, and again for each topology that comes. */
export class Preflight {
  readonly #parts: PreflightParts;
  /** Warnings that were said, so that an application that comes again does not repeat them. */
  readonly #told = new Set<string>();

  constructor(parts: PreflightParts) {
    this.#parts = parts;
  }

  /** Says every warning once. Throws what forbids the start, all of it as one error. */
  async check(programs: Programs | null): Promise<ClusterFacts> {
    const first = await this.#look(programs);
    const isForbidden = refusalOf(first.findings) !== null;
    // A look is many questions, and others go on meanwhile: a task that begins between the question
    // for the offsets and the one for the changelog's end looks as if its offsets were lost. What is
    // so stays so, and is found again.
    const { facts, findings } = isForbidden ? await this.#look(programs) : first;
    const stays = findings.filter((each) => first.findings.some((found) => isSame(found, each)));
    const refusal = refusalOf(stays);
    if (refusal !== null) throw refusal;
    if (this.#parts.tellsWarnings) for (const each of findings) this.#tell(each);
    return facts;
  }

  async #look(programs: Programs | null): Promise<{ facts: ClusterFacts; findings: Finding[] }> {
    const { inspector, expected } = this.#parts;
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const wanted = this.#wanted(programs);
    const first = await inspector.inspect(wanted, signal);
    const former =
      programs === null ? [] : formerChangelogs(first, programs, expected.applicationId);
    const facts =
      former.length === 0
        ? first
        : await inspector.inspect({ ...wanted, sinks: [...wanted.sinks, ...former] }, signal);
    return { facts, findings: checkCluster(facts, { ...expected, programs }) };
  }

  #wanted(programs: Programs | null): Wanted {
    return {
      groupId: this.#parts.expected.applicationId,
      transactionalId: this.#parts.transactionalId(),
      sources: programs === null ? [] : subscriptionOf(programs),
      sinks: programs === null ? [] : this.#described(programs),
      changelogs: programs === null ? [] : changelogsOf(programs),
      thorough: false,
    };
  }

  /** Looked at, and not into. */
  #described(programs: Programs): string[] {
    const { deadLetterTopic } = this.#parts.expected;
    return [...outputsOf(programs, deadLetterTopic), ...controlsOf(programs)];
  }

  #tell(found: Finding): void {
    const { name, severity, subject } = found;
    const isNew = !this.#told.has(`${name} ${subject}`);
    if (severity !== "warning" || !isNew) return;
    this.#told.add(`${name} ${subject}`);
    this.#parts.log.warn(sentenceOf(found), { finding: name });
  }
}

function isSame(one: Finding, other: Finding): boolean {
  return one.name === other.name && one.subject === other.subject;
}
