import { ERROR } from "../../../src/kafka/protocol/error-codes.ts";
import { ConsumerGroup, type GroupOptions } from "./group.ts";
import { PartitionLog } from "./log.ts";
import type { SentBatch } from "./records.ts";
import type { Scheduler } from "./scheduler.ts";
import { TransactionCoordinator, type TransactionEntry } from "./transactions.ts";

export interface ModelTopic {
  readonly name: string;
  /** 32 hex digits. */
  id: string;
  partitions: PartitionLog[];
  readonly configs: ReadonlyMap<string, string>;
}

export interface ModelNode {
  readonly id: number;
  up: boolean;
}

export interface ModelOptions extends Omit<GroupOptions, "partitionsOf"> {
  readonly nodes: number;
  readonly transactionVersion: 1 | 2;
  readonly firstEpoch: number;
  /** How often the coordinator looks for transactions that are open for too long. */
  readonly expiryCheckMs: number;
  /** Told when a transaction's outcome is decided. */
  readonly decided: (entry: TransactionEntry, by: "client" | "timeout" | "init") => void;
  /** Told of each offset as it becomes the committed one. */
  readonly offsetCommitted: (groupId: string, partition: string, offset: OffsetNow) => void;
}

export interface OffsetNow {
  readonly before: number | null;
  readonly metadataBefore: string | null;
  readonly offset: number;
  readonly metadata: string;
}

const OFFSETS_PREFIX = "__consumer_offsets/";

/** The state of a cluster, below the wire: logs, leaders, coordinators, the passing of time. */
export class ModelKafka {
  readonly scheduler: Scheduler;
  readonly nodes: ModelNode[];
  readonly topics = new Map<string, ModelTopic>();
  readonly groups = new Map<string, ConsumerGroup>();
  readonly transactions: TransactionCoordinator;
  readonly options: ModelOptions;
  /** The node of each kind of coordinator, and until when it reads its log. */
  readonly coordinators = {
    group: { node: 1, loadingUntilMs: 0 },
    transaction: { node: 1, loadingUntilMs: 0 },
  };
  /** How long a marker takes, beside the usual. */
  slowMarkersMs = 0;
  /** Called whenever a log has grown, for fetches that wait. */
  readonly grown: (() => void)[] = [];
  readonly #leaders = new Map<string, number>();
  /** The offsets' log knows the epochs of producers, as every log does. */
  readonly #offsetEpochs = new Map<string, number>();
  #topicIds = 0;

  constructor(scheduler: Scheduler, options: ModelOptions) {
    this.scheduler = scheduler;
    this.options = options;
    this.nodes = Array.from({ length: options.nodes }, (_, i) => ({ id: i + 1, up: true }));
    this.coordinators.group.node = scheduler.random.int(1, options.nodes);
    this.coordinators.transaction.node = scheduler.random.int(1, options.nodes);
    const { transactionVersion, firstEpoch } = options;
    this.transactions = new TransactionCoordinator(transactionVersion, firstEpoch, scheduler, {
      writeMarker: (partition, producerId, epoch, outcome, written) =>
        this.#writeMarker(partition, producerId, epoch, outcome, written),
      decided: options.decided,
    });
    this.#tick();
  }

  // --- topics

  createTopic(name: string, partitions: number, configs: ReadonlyMap<string, string>): ModelTopic {
    const logs = Array.from({ length: partitions }, (_, i) => new PartitionLog(name, i));
    const id = String(++this.#topicIds).padStart(32, "0");
    const topic = { name, id, partitions: logs, configs };
    this.topics.set(name, topic);
    for (const log of logs) {
      this.#leaders.set(log.name, this.scheduler.random.int(1, this.nodes.length));
    }
    return topic;
  }

  log(topic: string, partition: number): PartitionLog | null {
    return this.topics.get(topic)?.partitions[partition] ?? null;
  }

  topicById(id: string): ModelTopic | null {
    for (const topic of this.topics.values()) if (topic.id === id) return topic;
    return null;
  }

  *logs(): Iterable<PartitionLog> {
    for (const { partitions } of this.topics.values()) yield* partitions;
  }

  leaderOf(log: PartitionLog): number {
    return this.#leaders.get(log.name) ?? -1;
  }

  isCoordinator(kind: "group" | "transaction", nodeId: number): number {
    const { node, loadingUntilMs } = this.coordinators[kind];
    if (node !== nodeId) return ERROR.NOT_COORDINATOR;
    if (this.scheduler.nowMs() < loadingUntilMs) return ERROR.COORDINATOR_LOAD_IN_PROGRESS;
    return ERROR.NONE;
  }

  /** A clean election: leaders and coordinators of the node go to another that is up. */
  moveFrom(nodeId: number): void {
    const others = this.nodes.filter(({ id, up }) => up && id !== nodeId);
    const random = this.scheduler.random;
    for (const log of this.logs()) {
      if (this.#leaders.get(log.name) !== nodeId) continue;
      this.#leaders.set(log.name, random.pick(others).id);
      log.leaderEpoch += 1;
    }
    for (const kind of ["group", "transaction"] as const) {
      if (this.coordinators[kind].node === nodeId) this.moveCoordinator(kind);
    }
  }

  moveCoordinator(kind: "group" | "transaction"): void {
    const random = this.scheduler.random;
    const now = this.coordinators[kind];
    const others = this.nodes.filter(({ id, up }) => up && id !== now.node);
    if (others.length > 0) now.node = random.pick(others).id;
    now.loadingUntilMs = this.scheduler.nowMs() + random.skewed(5, 500);
  }

  // --- groups

  group(id: string): ConsumerGroup {
    let group = this.groups.get(id);
    if (group === undefined) {
      group = new ConsumerGroup(this.scheduler, {
        ...this.options,
        partitionsOf: (topic) => this.topics.get(topic)?.partitions.length ?? 0,
      });
      this.groups.set(id, group);
    }
    return group;
  }

  // --- what a leader does with a batch

  /** On v2 the leader adds its partition to the transaction, then appends; things happen between. */
  produce(
    transactionalId: string,
    log: PartitionLog,
    batch: SentBatch,
    done: (error: number, baseOffset: number) => void,
  ): void {
    const { producerId, producerEpoch, transactional } = batch;
    const append = (fate: Parameters<PartitionLog["append"]>[1]): void => {
      const { error, baseOffset } = log.append(batch, fate, this.scheduler.nowMs());
      done(error, baseOffset);
      if (error === ERROR.NONE) this.#hasGrown();
    };
    if (!transactional || log.isOpen(producerId, producerEpoch)) {
      append(null);
      return;
    }
    const error =
      this.options.transactionVersion === 2
        ? this.transactions.addPartition(transactionalId, producerId, producerEpoch, log.name)
        : this.#verify(transactionalId, batch, log);
    if (error !== ERROR.NONE) {
      done(error === ERROR.PRODUCER_FENCED ? ERROR.INVALID_PRODUCER_EPOCH : error, -1);
      return;
    }
    const fate = this.transactions.fateOf(transactionalId);
    this.scheduler.after(this.scheduler.random.skewed(0.05, 2), () => append(fate));
  }

  #verify(transactionalId: string, batch: SentBatch, log: PartitionLog): number {
    const { producerId, producerEpoch } = batch;
    const has = this.transactions.hasPartition(
      transactionalId,
      producerId,
      producerEpoch,
      log.name,
    );
    return has ? ERROR.NONE : ERROR.INVALID_TXN_STATE;
  }

  // --- what the group coordinator does with offsets

  commitOffsets(
    request: {
      readonly transactionalId: string;
      readonly groupId: string;
      readonly producerId: bigint;
      readonly epoch: number;
      readonly memberId: string;
      readonly memberEpoch: number;
      readonly offsets: readonly {
        readonly partition: string;
        readonly offset: number;
        readonly leaderEpoch: number;
        readonly metadata: string;
      }[];
    },
    done: (errors: readonly number[]) => void,
  ): void {
    const { transactionalId, groupId, producerId, epoch, offsets } = request;
    const all = (error: number): void => done(offsets.map(() => error));
    const partition = OFFSETS_PREFIX + groupId;
    const added =
      this.options.transactionVersion === 2
        ? this.transactions.addPartition(transactionalId, producerId, epoch, partition)
        : this.transactions.hasPartition(transactionalId, producerId, epoch, partition)
          ? ERROR.NONE
          : ERROR.INVALID_TXN_STATE;
    if (added !== ERROR.NONE) {
      all(added === ERROR.PRODUCER_FENCED ? ERROR.INVALID_PRODUCER_EPOCH : added);
      return;
    }
    this.scheduler.after(this.scheduler.random.skewed(0.05, 2), () => {
      const group = this.group(groupId);
      if (epoch < (this.#offsetEpochs.get(`${groupId}/${producerId}`) ?? -1)) {
        all(ERROR.INVALID_PRODUCER_EPOCH);
        return;
      }
      const errors = offsets.map((each) =>
        group.validate(request.memberId, request.memberEpoch, each.partition),
      );
      // Unknown and stale members are refused as a whole; KIP-1251 decides by partition.
      for (const [index, each] of offsets.entries()) {
        if (errors[index] === ERROR.NONE) group.setPending(producerId, each.partition, each);
      }
      done(errors);
    });
  }

  #writeMarker(
    partition: string,
    producerId: bigint,
    epoch: number,
    outcome: "commit" | "abort",
    written: () => void,
  ): void {
    const { random } = this.scheduler;
    const usual = random.chance(0.1) ? random.skewed(1, 300) : random.skewed(0.2, 15);
    const slow = this.slowMarkersMs > 0 && random.chance(0.5) ? this.slowMarkersMs : 0;
    this.scheduler.after(usual + slow, () => {
      if (partition.startsWith(OFFSETS_PREFIX)) {
        this.#completeOffsets(partition.slice(OFFSETS_PREFIX.length), producerId, epoch, outcome);
      } else {
        const cut = partition.lastIndexOf("-");
        const log = this.log(partition.slice(0, cut), Number(partition.slice(cut + 1)));
        log?.mark(producerId, epoch, outcome, this.scheduler.nowMs());
      }
      this.#hasGrown();
      written();
    });
  }

  #completeOffsets(
    groupId: string,
    producerId: bigint,
    epoch: number,
    outcome: "commit" | "abort",
  ): void {
    this.#offsetEpochs.set(`${groupId}/${producerId}`, epoch);
    const group = this.group(groupId);
    group.complete(producerId, outcome, (partition, offset) => {
      const before = group.committed.get(partition) ?? null;
      this.options.offsetCommitted(groupId, partition, {
        before: before?.offset ?? null,
        metadataBefore: before?.metadata ?? null,
        offset: offset.offset,
        metadata: offset.metadata,
      });
    });
  }

  #hasGrown(): void {
    for (const check of [...this.grown]) check();
  }

  #tick(): void {
    this.scheduler.after(this.options.expiryCheckMs, () => {
      this.transactions.abortExpired();
      for (const group of this.groups.values()) group.expire();
      this.#tick();
    });
  }
}
