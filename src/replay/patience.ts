import { OutriggerError } from "../errors/outrigger-error.ts";

/** A signal that aborts when nothing has come for so long, however long the whole takes. */
export class Patience {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number, what: string) {
    const text = `nothing came of ${what} for ${ms} ms; look at its leaders and open transactions`;
    const error = new OutriggerError("BROKER_UNAVAILABLE", text);
    this.#timer = setTimeout(() => this.#controller.abort(error), ms);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something came. */
  renew(): void {
    this.#timer.refresh();
  }

  /** It is over. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
