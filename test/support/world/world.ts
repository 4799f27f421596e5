import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { type TopicPartition, topicPartitionName } from "../../../src/model/topic-partition.ts";
import type {
  CommittedOffset,
  Consumer,
  ConsumerListener,
  FetchedChunk,
  Group,
  HeartbeatAnswer,
  HeartbeatRequest,
  Membership,
  Offsets,
} from "../../../src/ports/consumer.ts";
import type {
  AppendedRecord,
  CutRecords,
  EndVerdict,
  OffsetsVerdict,
  OffsetToCommit,
  ProduceVerdict,
  TransactionalProducer,
} from "../../../src/ports/producer.ts";
import { columnsOf, type PlainRecord } from "./columns.ts";

interface Gathered {
  readonly untilMs: number;
  readonly gapMs: number;
}

/**
 * A small Kafka in memory behind the ports, for tests of the kernel: logs, one group, one producer.
 * Transactions take effect at EndTxn in one step; answers can be scripted, so that a test can lose
 * one, refuse one, or do the work and still lose the answer. It proves nothing about a real broker.
 */
export class World {
  readonly logs = new Map<string, PlainRecord[]>();
  readonly committed = new Map<string, CommittedOffset>();
  readonly calls: string[] = [];
  /** Where logs begin that were deleted from; records below are still there, for who looks. */
  readonly starts = new Map<string, number>();
  /** What takeovers asked for, in order. */
  readonly reads: string[] = [];
  memberEpoch = 1;
  assignment: TopicPartition[] = [];
  /** Answers to give instead of the usual ones, first come first served. */
  readonly script = {
    heartbeat: [] as HeartbeatAnswer[],
    produce: [] as ProduceVerdict[],
    offsets: [] as OffsetsVerdict[],
    end: [] as { verdict: EndVerdict; takesEffect: boolean }[],
  };
  /** What the consumer was told of gathering. */
  readonly gathered: Gathered[] = [];
  /** By partition: whoever reads it gets one record, and then the log begins there. */
  readonly cuts = new Map<string, number[]>();
  /** While set, these requests wait; whether they take effect first is as with a real broker. */
  readonly gates: Partial<Record<"heartbeat" | "produce" | "end", Promise<void>>> = {};
  /** Whether acknowledgements carry offsets: those of a duplicate sequence do not. */
  acknowledgesOffsets = true;
  /** While set, offsets are pending: OffsetFetch waits, as with require_stable. */
  unstable: Promise<void> | null = null;
  #assignmentTold = "";
  readonly #started = new Map<string, { at: TopicPartition; offset: number; fence: number }>();
  #listener: ConsumerListener | null = null;

  log(at: TopicPartition): PlainRecord[] {
    const name = topicPartitionName(at);
    const log = this.logs.get(name) ?? [];
    this.logs.set(name, log);
    return log;
  }

  append(at: TopicPartition, ...records: PlainRecord[]): void {
    this.log(at).push(...records);
    this.#deliver();
  }

  listen(listener: ConsumerListener): void {
    this.#listener = listener;
  }

  readonly consumer: Consumer = {
    start: (at, { offset, fence }) => {
      this.#started.set(topicPartitionName(at), { at, offset, fence });
      this.#deliver();
    },
    stop: (at) => {
      this.#started.delete(topicPartitionName(at));
    },
    pause: () => {},
    resume: () => {},
    gather: (untilMs, gapMs) => this.gathered.push({ untilMs, gapMs }),
    close: async () => {},
  };

  readonly offsets: Offsets = {
    committed: async (_, partitions) => {
      this.reads.push("committed offsets");
      if (this.unstable !== null) await this.unstable;
      const found = new Map<string, CommittedOffset>();
      for (const at of partitions) {
        const offset = this.committed.get(topicPartitionName(at));
        if (offset !== undefined) found.set(topicPartitionName(at), offset);
      }
      return found;
    },
    range: async (at) => {
      this.reads.push(`range of ${topicPartitionName(at)}`);
      const start = this.starts.get(topicPartitionName(at)) ?? 0;
      return { start, end: this.log(at).length };
    },
    read: (at, from, target) => this.#read(at, from, target),
  };

  async *#read(at: TopicPartition, from: number, target: number): AsyncIterable<FetchedChunk> {
    const start = this.cuts.get(topicPartitionName(at))?.shift();
    if (start === undefined) {
      if (from < target) yield this.#chunk(at, from, 0);
      return;
    }
    const first = {
      ...this.#chunk(at, from, 0),
      columns: columnsOf(this.log(at).slice(from, from + 1), from),
    };
    yield { ...first, nextOffset: from + 1 };
    this.starts.set(topicPartitionName(at), start);
    throw new OutriggerError("OFFSET_OUT_OF_RANGE", `${topicPartitionName(at)} was cut`);
  }

  readonly group: Group = {
    heartbeat: async (request: HeartbeatRequest) => {
      const owned = request.owned?.map(topicPartitionName).join(",") ?? "-";
      this.calls.push(`heartbeat ${request.memberEpoch} ${owned}`);
      await this.gates.heartbeat;
      const scripted = this.script.heartbeat.shift();
      if (scripted !== undefined) return scripted;
      const names = this.assignment.map(topicPartitionName).join(",");
      const full = request.topics !== null || names !== this.#assignmentTold;
      this.#assignmentTold = names;
      return {
        kind: "member",
        memberEpoch: this.memberEpoch,
        heartbeatIntervalMs: 1_000,
        assignment: full ? this.assignment : null,
      };
    },
  };

  createProducer(): TransactionalProducer {
    return new WorldProducer(this);
  }

  #deliver(): void {
    for (const started of this.#started.values()) {
      const log = this.log(started.at);
      const { at, fence, offset } = started;
      if (offset >= log.length) {
        const end = log.length;
        const facts = { requestedAtMs: 0, lastStableOffset: end, highWatermark: end };
        setImmediate(() => this.#listener?.empty(at, fence, offset, facts));
        continue;
      }
      const chunk = this.#chunk(started.at, started.offset, started.fence);
      started.offset = log.length;
      const facts = {
        requestedAtMs: 0,
        lastStableOffset: log.length,
        highWatermark: log.length,
      };
      setImmediate(() => this.#listener?.fetched(chunk, facts));
    }
  }

  #chunk(at: TopicPartition, from: number, fence: number): FetchedChunk {
    const log = this.log(at);
    const columns = columnsOf(log.slice(from), from);
    const bytes = columns.bytes.length;
    return { ...at, fence, columns, nextOffset: log.length, leaderEpoch: 0, bytes };
  }
}

class WorldRecords implements CutRecords {
  readonly appended: { at: TopicPartition; record: PlainRecord }[] = [];
  bytes = 0;

  get records(): number {
    return this.appended.length;
  }

  byTopic(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { at } of this.appended) counts.set(at.topic, (counts.get(at.topic) ?? 0) + 1);
    return counts;
  }

  append(record: AppendedRecord): void {
    const text = (bytes: Buffer, position: number, length: number): string | null =>
      length < 0 ? null : bytes.toString("latin1", position, position + length);
    const key = text(record.keyBytes, record.keyPosition, record.keyLength);
    const value = text(record.valueBytes, record.valuePosition, record.valueLength);
    const partition = Math.max(0, record.partition);
    const at = { topic: record.topic, partition };
    const { timestamp, headersBytes, headersPosition, headersEnd } = record;
    const written = headersBytes?.toString("latin1", headersPosition, headersEnd) ?? "";
    // As on the wire: a count of 0 is what a record without headers has.
    const headers = written === "\0" ? "" : written;
    this.appended.push({ at, record: { key, value, timestamp, headers } });
    this.bytes += (key?.length ?? 0) + (value?.length ?? 0);
  }
}

class WorldProducer implements TransactionalProducer {
  readonly #world: World;
  #open: WorldRecords | null = null;
  #offsets: readonly OffsetToCommit[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  async initialize(): Promise<{ kind: "ready" }> {
    this.#world.calls.push("init");
    this.#forget();
    return { kind: "ready" };
  }

  async prepare(): Promise<void> {}

  begin(): WorldRecords {
    return new WorldRecords();
  }

  async produce(records: CutRecords): Promise<ProduceVerdict> {
    this.#world.calls.push(`produce ${records.records}`);
    await this.#world.gates.produce;
    const scripted = this.#world.script.produce.shift();
    if (scripted !== undefined) return scripted;
    if (!(records instanceof WorldRecords)) throw new Error("records of another world");
    this.#open = records;
    const lastOffsets = new Map<string, number>();
    for (const { at } of records.appended) {
      const name = topicPartitionName(at);
      const before = lastOffsets.get(name) ?? this.#world.log(at).length - 1;
      lastOffsets.set(name, before + 1);
    }
    if (!this.#world.acknowledgesOffsets)
      for (const name of lastOffsets.keys()) lastOffsets.set(name, -1);
    return { kind: "acked", lastOffsets };
  }

  async sendOffsets(
    offsets: readonly OffsetToCommit[],
    membership: Membership,
  ): Promise<OffsetsVerdict> {
    const said = offsets.map((at) => `${topicPartitionName(at)}=${at.offset}`).join(",");
    this.#world.calls.push(`offsets ${said}`);
    const scripted = this.#world.script.offsets.shift();
    if (scripted !== undefined) return scripted;
    if (membership.memberEpoch !== this.#world.memberEpoch) {
      const error = new OutriggerError("MEMBERSHIP_LOST", "ILLEGAL_GENERATION");
      return { kind: "staleEpoch", error };
    }
    this.#offsets = offsets;
    return { kind: "accepted" };
  }

  async end(outcome: "commit" | "abort", attempt: "first" | "repeated"): Promise<EndVerdict> {
    this.#world.calls.push(`end ${outcome} ${attempt}`);
    const scripted = this.#world.script.end.shift();
    if (outcome === "commit" && (scripted?.takesEffect ?? true)) this.#commit();
    this.#forget();
    await this.#world.gates.end;
    return scripted?.verdict ?? { kind: "ended" };
  }

  async close(): Promise<void> {}

  #commit(): void {
    for (const { at, record } of this.#open?.appended ?? []) this.#world.append(at, record);
    for (const { topic, partition, ...offset } of this.#offsets) {
      this.#world.committed.set(topicPartitionName({ topic, partition }), offset);
    }
  }

  #forget(): void {
    this.#open = null;
    this.#offsets = [];
  }
}
