import { KEY_LENGTH, STRIDE, VALUE_LENGTH } from "../model/columns.ts";
import type { RowRange } from "../model/rows.ts";
import type { TakenRows } from "../model/topology.ts";

/** A record whose windows had all closed at a node, by its offset: it may be any that it has become. */
export interface LateRow {
  readonly offset: number;
  readonly node: string;
  readonly streamTimeMs: number;
}

/** Late records of a batch, each once for a node; bounded by the batch. */
export class LateRows {
  readonly rows: LateRow[] = [];

  /**
   * Notes the rows that have no slot for no other reason than the time: they have a key, and a value where
   * the node takes none without. `counts` has the slots of each row, null where each has one.
   */
  add(
    node: string,
    takes: TakenRows,
    rows: readonly RowRange[],
    counts: Int32Array | null,
    streamTimeMs: number,
  ): void {
    if (counts === null) return;
    let row = 0;
    for (const { columns, from, to } of rows) {
      const { positions, offsets } = columns;
      for (let index = from; index < to; index++) {
        if (counts[row++] !== 0) continue;
        const at = index * STRIDE;
        if ((positions[at + KEY_LENGTH] as number) < 0) continue;
        if (takes === "valued" && (positions[at + VALUE_LENGTH] as number) < 0) continue;
        const offset = offsets[index] as number;
        const last = this.rows.at(-1);
        // What one record has become stands together.
        if (last?.offset === offset && last.node === node) continue;
        this.rows.push({ offset, node, streamTimeMs });
      }
    }
  }
}
