/** What becomes of a record when its tries are used up. */
export type LastResort = "fail" | "skip" | "dlq" | "park";

/** How often a failed record is tried again, how far apart, and what then. */
export interface FailurePolicy {
  readonly retryMax: number;
  readonly initialMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  /** The share of a pause that is left to chance, from 0 to 1. */
  readonly jitter: number;
  /** null: dead letters where there is a topic for them, else the task stops. */
  readonly exhausted: LastResort | null;
}

/** What the application itself says is to become of the record that it failed on. */
export type Verdict =
  | { readonly kind: "policy" }
  /** Tried again after so many ms, or after the policy's pause where null. */
  | { readonly kind: "retry"; readonly afterMs: number | null }
  | { readonly kind: "deadLetter" }
  /** Its key waits, and later records of the key follow it, until a command releases them. */
  | { readonly kind: "park" }
  /** No try can help, and the policy says what becomes of it: a built-in node cannot read it. */
  | { readonly kind: "malformed" }
  | { readonly kind: "fail" };
