import type { DeclaredNode } from "../../../src/model/topology.ts";

interface Held {
  readonly key: string;
  readonly value: string | null;
  /** From here on it waits. */
  readonly time: number;
  /** The latest of its updates. */
  readonly timestamp: number;
}

/** What a node holds back, as plain as it can be: a list that is looked through for each record. */
export class HeldBack {
  #held: Held[] = [];
  readonly #delayMs: number;
  readonly #recordsMax: number;
  /** Windows: the time is in the key, and a null value ends it. */
  readonly #isWindowed: boolean;

  private constructor(delayMs: number, recordsMax: number, isWindowed: boolean) {
    this.#delayMs = delayMs;
    this.#recordsMax = recordsMax;
    this.#isWindowed = isWindowed;
  }

  static of(node: DeclaredNode, nodes: readonly DeclaredNode[]): HeldBack | null {
    const windowsOf = (from: DeclaredNode | undefined) =>
      from?.kind === "aggregate" && from.windows?.kind === "time" ? from.windows : null;
    if (node.kind === "aggregate" && node.emit === "onWindowClose") {
      const windows = windowsOf(node);
      return windows === null
        ? null
        : new HeldBack(windows.sizeMs + windows.graceMs, Number.POSITIVE_INFINITY, true);
    }
    if (node.kind !== "suppress") return null;
    const recordsMax = node.buffer.maxRecords ?? Number.POSITIVE_INFINITY;
    if (node.until.kind === "timeLimit") return new HeldBack(node.until.waitMs, recordsMax, false);
    const windows = windowsOf(nodes.find(({ name }) => name === node.parents[0]));
    return windows === null
      ? null
      : new HeldBack(windows.sizeMs + windows.graceMs, recordsMax, true);
  }

  put(key: string, value: string | null, timestamp: number): void {
    const at = this.#held.findIndex((held) => held.key === key);
    const before = this.#held[at];
    const time = before?.time ?? (this.#isWindowed ? startOf(key) : timestamp);
    if (at >= 0) this.#held.splice(at, 1);
    if (value !== null || !this.#isWindowed) {
      const latest = before === undefined || before.value === null ? timestamp : before.timestamp;
      this.#held.push({ key, value, time, timestamp: Math.max(latest, timestamp) });
    }
  }

  due(streamTime: number): Held[] {
    this.#held.sort(
      (left, right) => left.time - right.time || compare(entryOf(left), entryOf(right)),
    );
    const isDue = ({ time }: Held): boolean => time + this.#delayMs <= streamTime;
    const due = this.#held.filter(isDue);
    const rest = this.#held.filter((held) => !isDue(held));
    this.#held = rest.slice(Math.max(0, rest.length - this.#recordsMax));
    return [...due, ...rest.slice(0, Math.max(0, rest.length - this.#recordsMax))];
  }
}

function startOf(key: string): number {
  return Number(Buffer.from(key.slice(-8), "latin1").readBigInt64BE());
}

/** As it stands in a buffer. */
function entryOf({ key, time }: Held): string {
  const suffix = Buffer.alloc(8);
  suffix.writeBigInt64BE(BigInt(time));
  return key + suffix.toString("latin1");
}

function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
