/** Time, so that a simulator can own it. */
export interface Clock {
  /** Monotonic ms. */
  nowMs(): number;
  /** Wall-clock ms since the epoch. */
  wallMs(): number;
  /** Calls back once after `ms`; returns what cancels it. */
  after(ms: number, callback: () => void): () => void;
}
