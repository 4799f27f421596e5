/** One authentication: what the client says, and says next to what the broker answered. */
export interface Exchange {
  readonly first: Buffer;
  /** Null when there is nothing more to say; throws when the broker's answer is not to be trusted. */
  next(challenge: Buffer): Promise<Buffer | null>;
}

export interface Mechanism {
  /** Kafka's name of it. */
  readonly name: string;
  /** Who authenticates, in words without a secret: `user alice`, `the token of file:///run/token`. */
  readonly who: string;
  /** What to look at when the broker refuses. */
  remedy(): string;
  /** A new exchange; rejects when there is no token to be had. */
  begin(): Promise<Exchange>;
}

/** The broker's part of an exchange is wrong: it may not be the one that knows the password. */
export class UntrustedAnswer extends Error {}
