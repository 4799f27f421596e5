import { OutriggerError } from "../errors/outrigger-error.ts";

/** What is wrong with a topology, collected so that a user sees all of it at once. */
export class Faults {
  readonly #said: string[] = [];

  /** `where` names the node or store; `what` says what is wrong and, after it, the remedy. */
  add(where: string, what: string): void {
    this.#said.push(`${where}: ${what}`);
  }

  get count(): number {
    return this.#said.length;
  }

  /** Throws TOPOLOGY_INVALID with everything collected; does nothing when there is none. */
  throwIfAny(): void {
    if (this.#said.length === 0) return;
    const faults = this.#said.length === 1 ? "a fault" : `${this.#said.length} faults`;
    const list = this.#said.map((fault) => `\n- ${fault}`).join("");
    throw new OutriggerError("TOPOLOGY_INVALID", `the topology has ${faults}:${list}`);
  }
}

export function nodeAt(name: string): string {
  return `node "${name}"`;
}

export function storeAt(name: string): string {
  return `store "${name}"`;
}
