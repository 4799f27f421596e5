import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { suffixBytesOfKind, timeOfValue } from "../../../src/model/entry-time.ts";
import type { StoreSpec } from "../../../src/model/topology.ts";
import { packValues, type ValueColumns } from "../../../src/model/value-columns.ts";
import type {
  DueEntries,
  KeyEntries,
  KeyRange,
  KeySet,
  KeyTimes,
  PageLimits,
  RangePage,
  StateCut,
  StateDirectory,
  StoreChanges,
  StoreMarks,
  StorePosition,
  TaskState,
  WaitingTimers,
} from "../../../src/ports/store.ts";

type Layer = Map<string, Buffer | null>;

const emptyMarks: StoreMarks = {
  positions: new Map(),
  inputOffsets: new Map(),
  streamTimeMs: 0,
  commitSequence: 0,
  caughtUpAtMs: 0,
};

/** What survives a restart: the disk. */
export class Disk {
  readonly data = new Map<string, Buffer>();
  marks: StoreMarks | null = null;
  /** While set, reads wait: a disk takes its time, and other things happen meanwhile. */
  slow: Promise<void> | null = null;
  /** Reads that wait. */
  waiting = 0;
  /** While set, these find damage, and whoever opens the disk next finds it empty. */
  rots: "read" | "write" | null = null;

  /** As the real one: marked before anything else is done about it. */
  meet(what: "read" | "write"): void {
    if (this.rots !== what) return;
    this.rots = null;
    this.isDistrusted = true;
    throw new OutriggerError("STORE_CORRUPTED", `block checksum mismatch on ${what}`);
  }

  isDistrusted = false;
}

/** TaskState in memory: the same layers as the real one, nothing more. */
export class MemoryState implements TaskState {
  readonly stores: readonly StoreSpec[];
  readonly disk: Disk;
  #head: Layer = new Map();
  /** By name in the head: the changes that it is of. */
  readonly #owners = new Map<string, StoreChanges>();
  #staged: Layer = new Map();
  #cut: Layer = new Map();

  constructor(stores: readonly StoreSpec[], disk: Disk) {
    this.stores = stores;
    this.disk = disk;
  }

  marks(): StoreMarks | null {
    return this.disk.marks;
  }

  async read(store: number, keys: KeySet, view: "staged" | "head"): Promise<ValueColumns> {
    const layers =
      view === "head" ? [this.#head, this.#staged, this.#cut] : [this.#staged, this.#cut];
    this.disk.meet("read");
    const found = this.#lookUp(store, keys, layers);
    if (this.disk.slow !== null) {
      this.disk.waiting += 1;
      await this.disk.slow;
      this.disk.waiting -= 1;
    }
    return packValues(found);
  }

  #lookUp(store: number, keys: KeySet, layers: readonly Layer[]): (Buffer | null)[] {
    return Array.from({ length: keys.count }, (_, slot) => {
      const position = keys.positions[slot * 2] ?? 0;
      const end = position + (keys.positions[slot * 2 + 1] ?? 0);
      const name = `${store}/${keys.bytes.toString("latin1", position, end)}`;
      for (const layer of layers) {
        const value = layer.get(name);
        if (value !== undefined) return value;
      }
      return this.disk.data.get(name) ?? null;
    });
  }

  async range(
    store: number,
    { from, to, reverse }: KeyRange,
    written: Pick<StoreChanges, "keys" | "values">,
    { entriesMax }: PageLimits,
  ): Promise<RangePage> {
    this.disk.meet("read");
    const own: Layer = new Map();
    put(own, { store, ...written });
    const layers = [...this.#cut, ...this.#staged, ...this.#head, ...own];
    const all = new Map<string, Buffer | null>([...this.disk.data, ...layers]);
    const entries = [...all].flatMap(([name, value]) => {
      if (value === null || !name.startsWith(`${store}/`)) return [];
      const key = Buffer.from(name.slice(`${store}/`.length), "latin1");
      const isWithin =
        (from === null || key.compare(from) >= 0) && (to === null || key.compare(to) < 0);
      return isWithin ? [{ key, value }] : [];
    });
    entries.sort((left, right) => left.key.compare(right.key) * (reverse ? -1 : 1));
    const page = entries.slice(0, entriesMax);
    return {
      keys: page.map(({ key }) => key),
      values: page.map(({ value }) => value),
      more: page.length < entries.length,
    };
  }

  async times(
    store: number,
    { keys, from, to }: KeyTimes,
    view: "staged" | "head",
  ): Promise<KeyEntries[]> {
    this.disk.meet("read");
    const layers = [
      this.disk.data,
      this.#cut,
      this.#staged,
      ...(view === "head" ? [this.#head] : []),
    ];
    const all = new Map<string, Buffer | null>(layers.flatMap((layer) => [...layer]));
    const suffix = suffixBytesOfKind(this.stores[store]?.kind ?? "window");
    return Array.from({ length: keys.count }, (_, slot) => {
      const position = keys.positions[slot * 2] ?? 0;
      const end = position + (keys.positions[slot * 2 + 1] ?? 0);
      const name = `${store}/${keys.bytes.toString("latin1", position, end)}`;
      const found = [...all].flatMap(([entry, value]) => {
        if (value === null || entry.slice(0, -suffix) !== name) return [];
        const key = Buffer.from(entry.slice(`${store}/`.length), "latin1");
        const time = Number(key.readBigInt64BE(key.length - suffix));
        return time >= (from[slot] ?? 0) && time <= (to[slot] ?? 0) ? [{ key, value }] : [];
      });
      found.sort((left, right) => left.key.compare(right.key));
      return { keys: found.map(({ key }) => key), values: found.map(({ value }) => value) };
    });
  }

  async due(store: number, timeMs: number, entriesMax: number): Promise<DueEntries> {
    this.disk.meet("read");
    const layers = [this.disk.data, this.#cut, this.#staged, this.#head];
    const all = new Map<string, Buffer | null>(layers.flatMap((layer) => [...layer]));
    const due = [...all].flatMap(([name, value]) => {
      if (value === null || !name.startsWith(`${store}/`) || timeOfValue(value) > timeMs) return [];
      return [{ key: Buffer.from(name.slice(`${store}/`.length), "latin1"), value }];
    });
    due.sort(
      (left, right) =>
        timeOfValue(left.value) - timeOfValue(right.value) || left.key.compare(right.key),
    );
    const taken = due.slice(0, entriesMax);
    return {
      keys: taken.map(({ key }) => key),
      values: taken.map(({ value }) => value),
      more: taken.length < due.length,
    };
  }

  async expired(store: number, timeMs: number, entriesMax: number): Promise<StoreChanges> {
    this.disk.meet("read");
    const suffix = suffixBytesOfKind(this.stores[store]?.kind ?? "window");
    const timeOf = (key: Buffer): number => Number(key.readBigInt64BE(key.length - suffix));
    const keys = [...this.disk.data.keys()]
      .filter((name) => name.startsWith(`${store}/`))
      .map((name) => Buffer.from(name.slice(`${store}/`.length), "latin1"))
      .filter((key) => timeOf(key) <= timeMs)
      .sort((left, right) => timeOf(left) - timeOf(right) || left.compare(right))
      .slice(0, entriesMax);
    return { store, keys, values: keys.map(() => null) };
  }

  async dueTimers(
    store: number,
    clock: number,
    timeMs: number,
    entriesMax: number,
  ): Promise<WaitingTimers> {
    this.disk.meet("read");
    const layers = [...this.disk.data, ...this.#cut, ...this.#staged, ...this.#head];
    const waiting = [...new Map<string, Buffer | null>(layers)].flatMap(([name, value]) => {
      const key = Buffer.from(name.slice(`${store}/`.length), "latin1");
      if (!name.startsWith(`${store}/`) || value === null || value[8] !== 0) return [];
      if (((key[0] ?? 0) & 0x7f) !== clock) return [];
      return [{ key, timeMs: Number(value.readBigInt64BE()) }];
    });
    waiting.sort((left, right) => left.timeMs - right.timeMs || left.key.compare(right.key));
    const due = waiting.filter((one) => one.timeMs <= timeMs).slice(0, entriesMax);
    return {
      keys: due.map(({ key }) => key),
      times: due.map((one) => one.timeMs),
      nextMs: waiting[due.length]?.timeMs ?? Number.POSITIVE_INFINITY,
    };
  }

  async between(
    store: number,
    afterMs: number,
    upToMs: number,
    { entriesMax }: PageLimits,
  ): Promise<RangePage> {
    this.disk.meet("read");
    const suffix = suffixBytesOfKind(this.stores[store]?.kind ?? "window");
    const layers = [...this.#cut, ...this.#staged, ...this.#head];
    const all = new Map<string, Buffer | null>([...this.disk.data, ...layers]);
    const found = [...all].flatMap(([name, value]) => {
      if (value === null || !name.startsWith(`${store}/`)) return [];
      const key = Buffer.from(name.slice(`${store}/`.length), "latin1");
      const time = Number(key.readBigInt64BE(key.length - suffix));
      return time > afterMs && time <= upToMs ? [{ key, value, time }] : [];
    });
    found.sort((left, right) => left.time - right.time || left.key.compare(right.key));
    const page = found.slice(0, entriesMax);
    return {
      keys: page.map(({ key }) => key),
      values: page.map(({ value }) => value),
      more: page.length < found.length,
    };
  }

  advance(changes: StoreChanges): void {
    put(this.#head, changes);
    for (const [name] of layerOf(changes)) this.#owners.set(name, changes);
  }

  stage(changes: StoreChanges): void {
    put(this.#staged, changes);
    for (const [name] of layerOf(changes)) {
      if (this.#owners.get(name) === changes) this.#head.delete(name);
    }
  }

  resetHead(): void {
    this.#head.clear();
  }

  get stagedBytes(): number {
    let bytes = 0;
    for (const [key, value] of this.#staged) bytes += key.length + (value?.length ?? 0);
    return bytes;
  }

  cut(): StateCut {
    this.#cut = this.#staged;
    this.#staged = new Map();
    const changes = this.stores.map((_, store) => {
      const entries = [...this.#cut].filter(([name]) => name.startsWith(`${store}/`));
      const keys = entries.map(([name]) => Buffer.from(name.slice(`${store}/`.length), "latin1"));
      return { store, keys, values: entries.map(([, value]) => value) };
    });
    return { changes: changes.filter(({ keys }) => keys.length > 0), bytes: 0 };
  }

  async commit(marks: StoreMarks): Promise<void> {
    this.disk.meet("write");
    const cut = this.#cut;
    this.#cut = new Map();
    this.#write(cut);
    const positions = new Map([...(this.disk.marks?.positions ?? []), ...marks.positions]);
    this.disk.marks = { ...marks, positions };
  }

  restage(): void {
    this.#staged = new Map([...this.#cut, ...this.#staged]);
    this.#cut = new Map();
  }

  drop(): void {
    for (const layer of [this.#head, this.#staged, this.#cut]) layer.clear();
  }

  async restore(changes: StoreChanges, position: StorePosition): Promise<void> {
    const layer: Layer = new Map();
    put(layer, changes);
    this.#write(layer);
    const before = this.disk.marks ?? emptyMarks;
    const positions = new Map(before.positions).set(changes.store, position);
    this.disk.marks = { ...before, positions };
  }

  async caughtUp(atMs: number): Promise<void> {
    this.disk.marks = { ...(this.disk.marks ?? emptyMarks), caughtUpAtMs: atMs };
  }

  async wipe(): Promise<void> {
    this.disk.data.clear();
    this.disk.marks = null;
    this.drop();
  }

  async close(): Promise<void> {}

  #write(layer: Layer): void {
    for (const [name, value] of layer) {
      if (value === null) this.disk.data.delete(name);
      else this.disk.data.set(name, value);
    }
  }
}

function layerOf(changes: StoreChanges): Layer {
  const layer: Layer = new Map();
  put(layer, changes);
  return layer;
}

function put(layer: Layer, { store, keys, values }: StoreChanges): void {
  for (const [i, key] of keys.entries()) {
    layer.set(`${store}/${key.toString("latin1")}`, values[i] ?? null);
  }
}

export class MemoryDirectory implements StateDirectory {
  processId = "process-1";
  predecessorMemberId: string | null = null;
  readonly disks = new Map<string, Disk>();

  async rememberMember(memberId: string): Promise<void> {
    this.predecessorMemberId = memberId;
  }

  async forgetMember(): Promise<void> {
    this.predecessorMemberId = null;
  }

  async renewProcessId(): Promise<string> {
    this.processId = `${this.processId}-renewed`;
    return this.processId;
  }

  async openTask(taskName: string, stores: readonly StoreSpec[]): Promise<TaskState> {
    const found = this.disks.get(taskName);
    const disk = found === undefined || found.isDistrusted ? new Disk() : found;
    this.disks.set(taskName, disk);
    return new MemoryState(stores, disk);
  }

  async close(): Promise<void> {}
}
