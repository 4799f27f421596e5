import type { TaskState } from "../ports/store.ts";

/** What all tasks of a sidecar have not committed, in bytes: they share one bound, as KIP-892 has it. */
export interface AllUncommitted {
  bytes: number;
}

/**
 * What one task has not committed: outputs of final batches with the input that they keep alive, staged
 * state, and what the open cut has taken of both. It stays in memory until the cut has committed.
 */
export class Uncommitted {
  readonly #all: AllUncommitted;
  readonly #state: Pick<TaskState, "stagedBytes">;
  #outputBytes = 0;
  #cutBytes = 0;
  /** Of this task, as it stands in `all`. */
  #counted = 0;
  #isClosed = false;

  constructor(all: AllUncommitted, state: Pick<TaskState, "stagedBytes">) {
    this.#all = all;
    this.#state = state;
  }

  get bytes(): number {
    return this.#outputBytes + this.#state.stagedBytes + this.#cutBytes;
  }

  /** Of all tasks together. */
  get allBytes(): number {
    return this.#all.bytes;
  }

  /** A batch is final, and its changes are staged; or it is given back, with less than nothing. */
  add(outputBytes: number): void {
    this.#outputBytes += outputBytes;
    this.#count();
  }

  /** A cut has taken outputs of so many bytes, and all that was staged. */
  taken(outputBytes: number): void {
    this.#outputBytes -= outputBytes;
    this.#cutBytes = Math.max(0, this.#counted - this.#outputBytes - this.#state.stagedBytes);
  }

  /** It did not commit: what it took is staged again. */
  restaged(outputBytes: number): void {
    this.#outputBytes += outputBytes;
    this.settled();
  }

  /** It has committed. */
  settled(): void {
    this.#cutBytes = 0;
    this.#count();
  }

  /** The task is dropped, and everything that it held. */
  close(): void {
    this.#isClosed = true;
    this.#all.bytes -= this.#counted;
    this.#counted = 0;
  }

  #count(): void {
    if (this.#isClosed) return;
    const { bytes } = this;
    this.#all.bytes += bytes - this.#counted;
    this.#counted = bytes;
  }
}
