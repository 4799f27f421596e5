/** A broken invariant: our bug. Crashes the process (exit code 70); the next start takes over by R-9. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Asserts what must be true; `message` says the rule. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
