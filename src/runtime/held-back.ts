import { KeyTable } from "../model/key-table.ts";
import type { Program } from "../model/topology.ts";
import { valueAt } from "../model/value-columns.ts";
import { decodeFilling, FILLING_KEY, type Filling } from "../operators/suppress.ts";
import type { StoreChanges, TaskState } from "../ports/store.ts";

/** What the buffer of one node holds back. */
export interface HeldAtNode extends Filling {
  readonly node: string;
}

/**
 * How full the buffers of a task are, as of the last batch that is final: for those who ask, nothing is
 * decided by it. Their stores say it, in an entry of their own.
 */
export class HeldBack {
  readonly #nodes = new Map<number, HeldAtNode>();

  private constructor() {}

  /** After the restore. */
  static async read({ steps }: Pick<Program, "steps">, state: TaskState): Promise<HeldBack> {
    const held = new HeldBack();
    for (const step of steps) {
      if (step.kind !== "suppress") continue;
      const { store, node } = step.suppress;
      const asked = new KeyTable();
      asked.add(FILLING_KEY, 0, FILLING_KEY.length);
      const filling = valueAt(await state.read(store, asked.keys(), "staged"), 0);
      held.#nodes.set(store, { node, ...decodeFilling(filling) });
    }
    return held;
  }

  staged(changes: StoreChanges): void {
    const { store } = changes;
    const before = this.#nodes.get(store);
    if (before === undefined) return;
    const { keys, values } = changes;
    // It comes last, and only where it has changed.
    if (keys.at(-1)?.equals(FILLING_KEY) !== true) return;
    const filling = decodeFilling(values.at(-1) ?? null);
    this.#nodes.set(store, { node: before.node, ...filling });
  }

  all(): readonly HeldAtNode[] {
    return [...this.#nodes.values()];
  }
}
