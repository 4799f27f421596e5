import { asError, OutriggerError } from "../../errors/outrigger-error.ts";
import type { Denial } from "../../model/cluster-facts.ts";
import { orAborted } from "../network/retry.ts";

/** What a look at the cluster could not see, collected on the way. */
export class Notes {
  readonly denied: Denial[] = [];
  readonly unread: string[] = [];
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  deny(resource: Denial["resource"], name: string, operation: Denial["operation"]): void {
    const isKnown = this.denied.some(
      (each) => each.resource === resource && each.name === name && each.operation === operation,
    );
    if (!isKnown) this.denied.push({ resource, name, operation });
  }

  /** Null when it fails or takes too long: then `what` is noted as not read. */
  async attempt<T>(what: string, ask: () => Promise<T>): Promise<T | null> {
    try {
      return await orAborted(ask(), this.#signal);
    } catch (thrown) {
      if (!(thrown instanceof OutriggerError) && !this.#signal.aborted) throw thrown;
      const reason = this.#signal.aborted ? "the brokers took too long" : asError(thrown).message;
      this.unread.push(`${what}: ${reason}`);
      return null;
    }
  }
}
