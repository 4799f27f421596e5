/** A case that an SDK is known to fail, and why. One that passes all the same fails the run. */
export interface KnownFailure {
  readonly language: string;
  readonly id: string;
  readonly reason: string;
}

export const KNOWN_FAILURES: readonly KnownFailure[] = [];
