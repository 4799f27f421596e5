import * as z from "zod";
import { security } from "./security-schema.ts";

/**
 * Every setting: key, type, default, range, one sentence; `writeOnly` marks a secret. `--help`,
 * environment names, the `Config` type, docs/configuration.md and config.schema.json all come from
 * here. Keys are Kafka Streams' where it has one; the last word is the unit.
 */

const KIB = 1024;
const MIB = 1024 * KIB;

function integer(min: number, max: number) {
  return z.int().min(min).max(max);
}

function positive(max: number) {
  return integer(1, max);
}

const HOUR_MS = 3_600_000;
const GUARANTEE_REASON =
  "exactly_once_v2 is the only guarantee that the sidecar gives: it owns the transactions, so " +
  "there is nothing to gain from less";

const applicationId = z
  .string()
  .regex(/^[A-Za-z0-9._-]+$/)
  .max(150)
  .meta({
    description:
      "Names the application: its consumer group, internal topics, transactional ids and state.",
  });

const bootstrapServers = z
  .string()
  .regex(/^\s*(\[[^\]]+\]|[^\s,:]+):\d{1,5}(\s*,\s*(\[[^\]]+\]|[^\s,:]+):\d{1,5})*\s*$/)
  .meta({ description: "Brokers to start from, as `host:port`, separated by commas." });

const serverAddress = z
  .string()
  .regex(/^(unix:.+|[^\s/]+:\d{1,5})$/)
  .nullable()
  .default(null)
  .meta({
    description:
      "Where applications connect: `unix:<path>` or `host:port` (port 0 picks a free one). " +
      "Without it, a Unix domain socket in the state directory.",
  });

const serverToken = z
  .string()
  .min(1)
  .nullable()
  .default(null)
  .meta({
    writeOnly: true,
    description:
      "What applications must send over TCP, as OUTRIGGER_TOKEN: every user of the machine can " +
      "connect there. A supervised application is told; without a value, one is made for it.",
  });

const identity = {
  "application.id": applicationId,
  "bootstrap.servers": bootstrapServers,
  "client.id": z.string().min(1).max(249).nullable().default(null).meta({
    description: "Names this process in the brokers' logs and quotas. Without it, application.id.",
  }),
  "process.id": z
    .string()
    .regex(/^[A-Za-z0-9._-]+$/)
    .max(64)
    .nullable()
    .default(null)
    .meta({
      description:
        "Names this process in its transactional id, for instance a StatefulSet's pod. Without " +
        "it, one is made and kept in the state directory.",
    }),
  "server.address": serverAddress,
  "server.token": serverToken,
};

const guarantees = {
  "processing.guarantee": z
    .literal("exactly_once_v2", { error: GUARANTEE_REASON })
    .default("exactly_once_v2")
    .meta({ description: "The guarantee; there is only one." }),
  "commit.interval.ms": positive(HOUR_MS).default(100).meta({
    description: "How often results are committed, which is when readers of the output see them.",
  }),
  "transaction.timeout.ms": integer(1_000, 900_000)
    .default(10_000)
    .meta({
      description:
        "When the brokers abort a transaction that was left open; the sidecar itself gives up at " +
        "0.6 of it.",
    }),
  "replication.factor": integer(-1, 32_767)
    .refine((value) => value !== 0)
    .default(3)
    .meta({
      description: "Replicas of internal topics; -1 takes the brokers' default, 0 is refused.",
    }),
  "max.task.idle.ms": integer(-1, HOUR_MS)
    .default(0)
    .meta({
      description:
        "How long a task with several input partitions waits for records of one that has none, so that " +
        "records go in the order of their timestamps: 0 waits only for what the brokers have, -1 never, " +
        "and takes whole batches.",
    }),
  "repartition.purge.interval.ms": positive(HOUR_MS)
    .default(30_000)
    .meta({
      description:
        "How often records of internal topics are deleted that were read and committed: those of " +
        "repartitions, and the requests of hooks.",
    }),
  "stream.time.idle.ms": positive(24 * HOUR_MS)
    .nullable()
    .default(null)
    .meta({
      description:
        "When a task has read all there is and nothing has come for so long, its stream time goes on " +
        "with the wall clock, so that what waits for windows to close is forwarded. Records that come " +
        "later with earlier timestamps may be late by then. Without it, stream time stands still.",
    }),
  "auto.offset.reset": z.enum(["earliest", "latest", "none"]).default("earliest").meta({
    description:
      "Where the very first start begins to read. Never used again: lost offsets stop the process.",
  }),
};

const state = {
  "state.dir": z.string().min(1).default(".outrigger").meta({
    description: "Directory of the local state, relative to the working directory.",
  }),
  "statestore.uncommitted.max.bytes": integer(64 * KIB, 4096 * MIB)
    .default(24 * MIB)
    .meta({
      description:
        "Bytes that all tasks together may hold uncommitted (KIP-892); half of it commits early.",
    }),
  "rocksdb.memory.max.bytes": integer(16 * MIB, 1024 * 1024 * MIB)
    .default(256 * MIB)
    .meta({ description: "Memory of all RocksDB instances together." }),
};

const topicName = z
  .string()
  .regex(/^[A-Za-z0-9._-]+$/)
  .max(249);

const application = {
  "processing.timeout.ms": integer(100, HOUR_MS)
    .default(60_000)
    .meta({
      description:
        "How long an application may take over a batch before it is cancelled and the batch is " +
        "sent again.",
    }),
  "app.absence.timeout.ms": integer(1_000, 24 * HOUR_MS)
    .default(300_000)
    .meta({
      description: "How long the sidecar keeps its partitions without an application connected.",
    }),
  "max.frame.bytes": integer(MIB, 64 * MIB)
    .default(4 * MIB)
    .meta({
      description:
        "The largest message between application and sidecar that travels in one piece; the SDKs' own " +
        "limit is 4 MiB.",
    }),
  "server.max.message.bytes": integer(MIB, 1024 * MIB)
    .default(64 * MIB)
    .meta({
      description:
        "The largest message between application and sidecar, in as many pieces as it takes: a batch " +
        "with its state, or an answer with its outputs. Either side may hold one that is not whole yet.",
    }),
  "batch.max.records": positive(10_000)
    .default(2_000)
    .meta({
      description:
        "Records of one batch sent to an application. A task begins with 100 at most; what takes longer " +
        "than 100 ms to be answered makes its batches smaller, what takes less than 50 ms larger.",
    }),
  "batch.max.bytes": integer(KIB, 16 * MIB)
    .default(512 * KIB)
    .meta({ description: "Bytes of one batch; a single larger record is a batch of its own." }),
  "batch.max.in.flight": positive(64).default(4).meta({
    description:
      "Batches of one task that are planned ahead of their answers, where user code has no state.",
  }),
  "retry.max": integer(0, 1_000_000).default(10).meta({
    description: "How often a record is tried again after the application rejected it.",
  }),
  "retry.initial.ms": positive(HOUR_MS).default(100).meta({
    description: "Pause before the first retry of a record.",
  }),
  "retry.factor": z.number().min(1).max(10).default(2).meta({
    description: "Factor by which the pause grows with each retry.",
  }),
  "retry.max.delay.ms": positive(HOUR_MS).default(30_000).meta({
    description: "The longest pause between two retries of a record.",
  }),
  "retry.jitter": z.number().min(0).max(1).default(0.5).meta({
    description: "The share of each pause that is left to chance.",
  }),
  "retry.then": z
    .enum(["fail", "skip", "dlq", "park"])
    .nullable()
    .default(null)
    .meta({
      description:
        "What becomes of a record whose tries are used up: `fail` stops its task, `skip` drops it, " +
        "`dlq` writes a dead letter, `park` lets its key wait (needs parked.enable). Without a value: " +
        "dlq where a dead-letter topic is set, else fail.",
    }),
  "parked.enable": z
    .enum(["true", "false"])
    .default("false")
    .meta({
      description:
        "Lets records be parked: their key waits, and later records of the key follow it, until " +
        "`outrigger dlq release`. Makes `<application.id>-parked-changelog` and `<application.id>-control`.",
    }),
  "parked.max.records": positive(1_000_000).default(10_000).meta({
    description: "Records that one task may park; beyond them it stops.",
  }),
  "parked.max.bytes": integer(KIB, 4096 * MIB)
    .default(64 * MIB)
    .meta({ description: "Bytes that one task may park; beyond them it stops." }),
  "crashes.max": integer(1, 100)
    .default(3)
    .meta({
      description:
        "How many workers may die of a record, or hang on it past processing.timeout.ms, before it " +
        "is given up as retry.then says; without retry.then and dead-letter topic it is sent again.",
    }),
  "errors.dead.letter.queue.topic.name": topicName.nullable().default(null).meta({
    description: "Topic of dead letters, in Kafka Streams' format (KIP-1034); it must exist.",
  }),
  "errors.dead.letter.queue.late.records": z
    .enum(["true", "false"])
    .default("false")
    .meta({
      description:
        "Writes a dead letter for a record that came too late for every window of an aggregate, too. It is " +
        "dropped and counted (`outrigger.records.dropped`) either way. Needs a dead-letter topic.",
    }),
};

const stopping = {
  "revoke.timeout.ms": positive(60_000).default(5_000).meta({
    description: "How long a revocation waits for what is in flight to be answered and committed.",
  }),
  "shutdown.timeout.ms": positive(600_000).default(25_000).meta({
    description: "How long a shutdown waits for what is in flight; below the platform's own limit.",
  }),
};

const brokers = {
  "request.timeout.ms": integer(1_000, 600_000).default(30_000).meta({
    description: "How long a broker may take to answer.",
  }),
  "metadata.max.age.ms": integer(100, HOUR_MS).default(300_000).meta({
    description: "After so long topics are looked at again: new partitions of sinks are used then.",
  }),
  "connections.max.idle.ms": integer(1_000, 24 * HOUR_MS)
    .default(540_000)
    .meta({
      description:
        "A connection that nothing was sent on for so long is closed, before a broker does it.",
    }),
  "fetch.min.bytes": positive(64 * MIB)
    .default(1)
    .meta({ description: "A broker answers a fetch as soon as it has this much." }),
  "fetch.max.wait.ms": positive(60_000).default(500).meta({
    description: "How long a broker holds a fetch that has less.",
  }),
  "fetch.max.bytes": integer(KIB, 512 * MIB)
    .default(16 * MIB)
    .meta({ description: "Bytes of one fetch answer." }),
  "max.partition.fetch.bytes": integer(KIB, 64 * MIB)
    .default(MIB)
    .meta({ description: "Bytes of one partition in one fetch answer." }),
  "input.buffer.max.bytes": integer(KIB, 4096 * MIB)
    .default(2 * MIB)
    .meta({ description: "Bytes that each task prefetches before its partitions are paused." }),
  "producer.max.request.size": integer(KIB, 64 * MIB)
    .default(MIB)
    .meta({
      description:
        "The largest record that is written, checked before anything is produced; topics and " +
        "brokers (`max.message.bytes`) must take it.",
    }),
  "compression.type": z
    .enum(["none", "gzip", "snappy", "lz4", "zstd"])
    .default("none")
    .meta({
      description:
        "How written batches are compressed: outputs, changelogs, repartition and dead-letter topics. " +
        "Every codec is read, whatever is set here.",
    }),
};

const checks = {
  "check.accept": z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .meta({
      description:
        "Findings of `outrigger check` that are known and accepted, by name, separated by commas: " +
        "they are warned of and no longer forbid the start.",
    }),
};

const telemetry = {
  "http.address": z
    .string()
    .regex(/^(off|[^\s/]+:\d{1,5})$/)
    .nullable()
    .default(null)
    .meta({
      description:
        "Where `/metrics`, `/healthz` and `/readyz` are: `host:port`, or `off`. Without it, " +
        "127.0.0.1:9464, or nowhere where another process has that port.",
    }),
  "metrics.kafka.streams.names": z.enum(["true", "false"]).default("false").meta({
    description: "Gives metrics under the names of Kafka Streams and its clients besides our own.",
  }),
  "tracing.record.spans.max": integer(0, 1_000_000).default(100).meta({
    description:
      "Records per second that get spans of their own, among those whose producer sampled them.",
  }),
};

const logs = {
  "log.level": z.enum(["debug", "info", "warn", "error"]).default("info").meta({
    description: "The least severe lines that are logged.",
  }),
};

export const schema = z.strictObject({
  ...identity,
  ...guarantees,
  ...state,
  ...application,
  ...stopping,
  ...brokers,
  ...checks,
  ...telemetry,
  ...security,
  ...logs,
});

/** A dotted key, for instance `commit.interval.ms`. */
export type ConfigKey = keyof typeof schema.shape;
/** Values by dotted key, checked. */
export type Settings = Readonly<z.output<typeof schema>>;

export function isConfigKey(key: string): key is ConfigKey {
  return Object.hasOwn(schema.shape, key);
}

export const configKeys: readonly ConfigKey[] = Object.keys(schema.shape).filter(isConfigKey);
