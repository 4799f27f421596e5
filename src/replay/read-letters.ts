import { OutriggerError } from "../errors/outrigger-error.ts";
import { type Letter, letterAt } from "../letters/letter.ts";
import { isSelected, rangeOf, type Selection } from "../letters/selection.ts";
import type { Admin, TopicDescription } from "../ports/admin.ts";
import type { Offsets } from "../ports/consumer.ts";
import { Patience } from "./patience.ts";

/** How long a read may bring nothing: an open transaction ends sooner, or a broker is gone. */
export const PATIENCE_MS = 60_000;

/** Rejects with TOPIC_MISSING. */
export async function describeLetters(admin: Admin, topic: string): Promise<TopicDescription> {
  const described = (await admin.describeTopics([topic])).get(topic);
  if (described !== undefined) return described;
  const text = `the dead-letter topic ${topic} does not exist; name it by --topic`;
  throw new OutriggerError("TOPIC_MISSING", text);
}

/**
 * The selected letters that are committed when this is called, partition by partition, in order. A
 * letter is a view of what was fetched: who keeps it copies it.
 */
export async function* readLetters(
  offsets: Offsets,
  { name: topic, partitions }: TopicDescription,
  selection: Selection,
): AsyncGenerator<Letter, void, undefined> {
  const patience = new Patience(PATIENCE_MS, topic);
  const { signal } = patience;
  try {
    for (let partition = 0; partition < partitions; partition++) {
      const at = { topic, partition };
      const range = rangeOf(selection, partition, await offsets.range(at, signal));
      patience.renew();
      if (range === null) continue;
      for await (const { columns } of offsets.read(at, range.start, range.end, signal)) {
        for (let row = 0; row < columns.count; row++) {
          const letter = letterAt(columns, row, partition);
          if (isSelected(letter, selection)) yield letter;
        }
        patience.renew();
      }
    }
  } finally {
    patience.end();
  }
}
