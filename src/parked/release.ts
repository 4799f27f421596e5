import type { Letter } from "../letters/letter.ts";
import type { AppendedRecord, TransactionalProducer } from "../ports/producer.ts";
import { commitReplay, type TransactionParts } from "../replay/replay-transaction.ts";
import { encodeParkCommand, type ParkCommand } from "../tasks/park-command.ts";

export interface ReleaseRequest {
  readonly action: ParkCommand["action"];
  /** Null for every key. */
  readonly key: Buffer | null;
}

/** What a command was given about. */
export interface Asked {
  readonly records: number;
  readonly keys: number;
}

/**
 * Writes a command to each task that has such records, in one transaction: all of them are asked, or none.
 * What they do is exactly once, whoever dies; asked twice, what was released is released already.
 */
export async function writeCommands(
  parts: TransactionParts & { readonly producer: TransactionalProducer },
  control: string,
  waiting: readonly Letter[],
  { action, key }: ReleaseRequest,
  signal: AbortSignal,
): Promise<Asked> {
  const chosen = waiting.filter((letter) => key === null || letter.key?.equals(key) === true);
  const asked = {
    records: chosen.length,
    keys: new Set(chosen.map((letter) => letter.key?.toString("base64"))).size,
  };
  if (chosen.length === 0) return asked;
  const { producer } = parts;
  const ready = await producer.initialize(signal);
  if (ready.kind !== "ready") throw ready.error;
  await producer.prepare([control], signal);
  const cut = producer.begin();
  const lasts = new Map<number, number>();
  for (const { partition, offset } of chosen) {
    lasts.set(partition, Math.max(offset, lasts.get(partition) ?? 0));
  }
  for (const [partition, until] of lasts) {
    const value = Buffer.from(encodeParkCommand({ action, key, until }));
    cut.append(recordOf(control, partition, value));
  }
  await commitReplay(parts, cut);
  return asked;
}

function recordOf(topic: string, partition: number, value: Buffer): AppendedRecord {
  return {
    topic,
    partition,
    timestamp: Date.now(),
    keyBytes: value,
    keyPosition: 0,
    keyLength: -1,
    valueBytes: value,
    valuePosition: 0,
    valueLength: value.length,
    headersBytes: null,
    headersPosition: 0,
    headersEnd: 0,
  };
}
