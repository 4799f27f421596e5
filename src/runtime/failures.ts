import { OutriggerError } from "../errors/outrigger-error.ts";
import type { FailurePolicy, Verdict } from "../model/failure.ts";
import type { DeclaredTopology } from "../model/topology.ts";
import type { DeadLetterReason } from "../tasks/dead-letter.ts";
import { decide, lastResort, retryDelayMs } from "../tasks/failure-policy.ts";
import {
  afterDeath,
  afterPassing,
  afterRefusal,
  mustBeAlone,
  type Trial,
  type TriedRows,
} from "../tasks/trial.ts";

/** Everything that decides about failed records. */
export interface FailureLimits {
  /** What holds where neither the application nor the configuration says anything. */
  readonly defaults: FailurePolicy;
  /** What the configuration says in so many words: stronger than the application. */
  readonly overrides: Partial<FailurePolicy>;
  /** Workers that may die of a record before it is given up. */
  readonly crashesMax: number;
  readonly deadLetterTopic: string | null;
  /** Whether records that come too late have a dead letter. */
  readonly lettersForLate: boolean;
  /** A value in [0, 1). */
  readonly random: () => number;
}

/** What the application says of failed records, by the node whose code failed. */
export type Policies = ReadonlyMap<string, Partial<FailurePolicy>>;

export function policiesOf({ nodes }: DeclaredTopology): Policies {
  return new Map(
    nodes.flatMap((node) => {
      const hasPolicy = "failurePolicy" in node && node.failurePolicy !== undefined;
      return hasPolicy ? [[node.name, node.failurePolicy] as const] : [];
    }),
  );
}

/** How a record failed, in words for people. */
export interface Fault {
  readonly code: "HANDLER_FAILED" | "ANSWER_INVALID" | "VALUE_MALFORMED";
  readonly node: string;
  readonly type: string;
  readonly message: string;
  readonly stack: string;
  readonly verdict: Verdict;
}

/** What is to happen to the record at the head of the input. */
export interface Sentence {
  readonly source: number;
  readonly offset: number;
  readonly action: "skip" | "dlq" | "park";
  readonly reason: DeadLetterReason;
  readonly attempts: number;
  readonly fault: Fault;
}

export type Next =
  /** Planned again at once, in smaller batches. */
  | { readonly kind: "again"; readonly rowsMax: number }
  | { readonly kind: "after"; readonly delayMs: number }
  /** The record is given up: it is final without effects of its own. */
  | { readonly kind: "givenUp" }
  | { readonly kind: "stop" };

/** What one task knows of the records that failed it, and what it does with them next. */
export class Failures {
  readonly #limits: FailureLimits;
  readonly #policies: () => Policies;
  #trial: Trial | null;
  #sentence: Sentence | null = null;
  #failedAt = "";
  #failures = 0;
  #failedSource = 0;
  #hasNews = false;

  constructor(limits: FailureLimits, policies: () => Policies, trial: Trial | null) {
    this.#limits = limits;
    this.#policies = policies;
    this.#trial = trial;
  }

  get trial(): Trial | null {
    return this.#trial;
  }

  /** Something is known of the head that the last cut did not write down. */
  get hasNews(): boolean {
    return this.#hasNews;
  }

  /** For a cut: what is known of the records behind it. */
  takeNews(): Trial | null {
    this.#hasNews = false;
    return this.#trial;
  }

  /** The cut that took the news did not commit. */
  newsAgain(): void {
    this.#hasNews = (this.#trial?.deaths ?? 0) > 0;
  }

  /** Rows that the next batch may hold. */
  get rowsMax(): number {
    if (this.#sentence !== null) return 1;
    return this.#trial?.rowsMax ?? Number.POSITIVE_INFINITY;
  }

  /**
   * One batch at a time: a death speaks of nothing else, and what follows a record that is tried
   * again does not run again with it.
   */
  get isTrying(): boolean {
    return this.#trial !== null || this.#failures > 0;
  }

  /** The source of what is tried again; null where nothing is. */
  get source(): number | null {
    if (this.#failures > 0) return this.#failedSource;
    return this.#sentence?.source ?? this.#trial?.source ?? null;
  }

  /** The next batch must be alone with its worker. */
  get mustBeAlone(): boolean {
    return mustBeAlone(this.#trial, this.#limits.crashesMax);
  }

  /** The sentence on these rows, which is carried out with this call. */
  sentenceOn({ source, from, count }: TriedRows): Sentence | null {
    const sentence = this.#sentence;
    const isIt = sentence?.source === source && sentence.offset === from && count === 1;
    if (!isIt) return null;
    this.#sentence = null;
    return sentence;
  }

  passed(rows: TriedRows): void {
    this.#failures = 0;
    this.#failedAt = "";
    this.#trial = afterPassing(this.#trial, rows);
  }

  /**
   * The first of `rows` failed: where there are more, it is known to be that one. `canPark` says that it
   * has a key, and that parking is on.
   */
  failed(rows: TriedRows, fault: Fault, canPark = false): Next {
    const at = `${rows.source}@${rows.from}`;
    this.#failures = at === this.#failedAt ? this.#failures + 1 : 1;
    this.#failedAt = at;
    this.#failedSource = rows.source;
    const policy = this.#policyOf(fault.node);
    const hasTopic = this.#limits.deadLetterTopic !== null;
    const decision = decide(policy, fault.verdict, this.#failures, hasTopic, canPark);
    if (decision === "retry") {
      const asked = fault.verdict.kind === "retry" ? fault.verdict.afterMs : null;
      const delayMs = asked ?? retryDelayMs(policy, this.#failures, this.#limits.random());
      return { kind: "after", delayMs };
    }
    // Nothing is decided about a record that is not alone: built-in nodes may have dropped a row
    // before it, and what is given up must be the one that failed.
    if (rows.count > 1) return { kind: "again", rowsMax: 1 };
    // What stream time forwarded without a record has none that could be given up.
    if (decision === "fail" || rows.count === 0) return { kind: "stop" };
    return this.#giveUp(rows, decision, reasonFor(fault.verdict), this.#failures, fault);
  }

  /** Some row of these is the reason that the answer could not be taken; one alone has failed. */
  refused(rows: TriedRows, fault: Fault, canPark = false): Next {
    if (rows.count <= 1) return this.failed(rows, fault, canPark);
    this.#trial = afterRefusal(this.#trial, rows);
    return { kind: "again", rowsMax: this.#trial.rowsMax };
  }

  /** A worker died of these rows, or was given up over them. */
  died(
    rows: TriedRows,
    isAlone: boolean,
    reason: DeadLetterReason,
    fault: Fault,
    canPark = false,
  ): Next {
    // Nobody's record: what forwarded it does so again.
    if (rows.count === 0) return { kind: "again", rowsMax: Number.POSITIVE_INFINITY };
    this.#trial = afterDeath(this.#trial, rows);
    this.#hasNews = true;
    const { deaths, rowsMax } = this.#trial;
    const { crashesMax, deadLetterTopic } = this.#limits;
    if (rows.count > 1 || !isAlone || deaths < crashesMax) return { kind: "again", rowsMax };
    const policy = this.#policyOf(fault.node);
    // Without a place for it the record is sent again for ever, alone and loudly: a process that
    // keeps dying is started again by its platform, and a stopped task would help nobody.
    if (policy.exhausted === null && deadLetterTopic === null) return { kind: "again", rowsMax };
    const action = lastResort(policy, deadLetterTopic !== null, canPark);
    if (action === "fail") return { kind: "stop" };
    return this.#giveUp(rows, action, reason, deaths, fault);
  }

  #policyOf(node: string): FailurePolicy {
    const { defaults, overrides } = this.#limits;
    return { ...defaults, ...this.#policies().get(node), ...overrides };
  }

  #giveUp(
    rows: TriedRows,
    action: Sentence["action"],
    reason: DeadLetterReason,
    attempts: number,
    fault: Fault,
  ): Next {
    const { source, from } = rows;
    this.#sentence = { source, offset: from, action, reason, attempts, fault };
    return { kind: "givenUp" };
  }
}

function reasonFor({ kind }: Verdict): DeadLetterReason {
  if (kind === "malformed") return "malformed";
  return kind === "deadLetter" || kind === "park" ? "rejected" : "retries_exhausted";
}

export function errorOf({ code, type, message, stack }: Fault, at: string): OutriggerError {
  const said = type === "" ? message : `${type}: ${message}`;
  const cause = stack === "" ? {} : { cause: stack };
  return new OutriggerError(code, `record ${at}: ${said}`, cause);
}

export const UNKNOWN_FAULT: Fault = {
  code: "HANDLER_FAILED",
  node: "",
  type: "",
  message: "",
  stack: "",
  verdict: { kind: "policy" },
};

/** A built-in node of this name cannot read a record. */
export function malformedFault(node: string, message: string): Fault {
  const verdict = { kind: "malformed" } as const;
  const type = "SerializationException";
  return { ...UNKNOWN_FAULT, code: "VALUE_MALFORMED", type, node, message, verdict };
}

/** A worker died of a record, or hung on it. */
export function deathFault(reason: "process_crash" | "processing_timeout"): Fault {
  const said = reason === "process_crash" ? "died" : "gave no answer in time";
  const message = `the worker ${said} while it worked on this record`;
  return { ...UNKNOWN_FAULT, type: reason, message };
}

/** A worker gave a batch back for want of state. */
export function handBackFault(worker: number): Fault {
  const message = `worker ${worker} handed the batch back without being asked to stop`;
  return { ...UNKNOWN_FAULT, message };
}
