import type { ErrorCode } from "../errors/catalog.ts";
import { OutriggerError } from "../errors/outrigger-error.ts";
import { ERROR, errorLabel, errorName } from "./protocol/error-codes.ts";

/**
 * R-13: one table for everything that writes or governs, keyed by request and code, with what the
 * answer means and why. EndTxn has a column of its own for a repeated request: a refusal of that says
 * nothing about the first (R-7). A code that is not here is fatal, never retried for ever.
 */
export type Request =
  | "InitProducerId"
  | "Produce"
  | "TxnOffsetCommit"
  | "EndTxn"
  | "ConsumerGroupHeartbeat";

export type Classification =
  /** The same request again, after a pause. */
  | "retry"
  /** The same, after finding the coordinator or leader anew. */
  | "refind"
  /** It was done before: an acknowledgement. */
  | "success"
  /** EndTxn(abort), then the same cut again. */
  | "abortable"
  /** InitProducerId before anything else. */
  | "fenced"
  /** R-6: heartbeat, then perhaps the same request with the new epoch. */
  | "staleEpoch"
  /** The group dropped this member. */
  | "memberLost"
  /** EndTxn only: the outcome is not known (R-7). */
  | "unknown"
  | "fatal";

interface Row {
  readonly request: Request;
  readonly code: number;
  readonly first: Classification;
  /** Where a repeated request is judged otherwise. */
  readonly repeated?: Classification;
  readonly reason: string;
}

const COORDINATED: readonly Request[] = [
  "InitProducerId",
  "TxnOffsetCommit",
  "EndTxn",
  "ConsumerGroupHeartbeat",
];

/** The coordinator moved or is loading: asked again elsewhere, nothing has happened. */
const coordination: readonly Row[] = COORDINATED.flatMap((request): Row[] => [
  {
    request,
    code: ERROR.COORDINATOR_LOAD_IN_PROGRESS,
    first: "retry",
    reason: "the coordinator reads its log and will serve in a moment",
  },
  {
    request,
    code: ERROR.COORDINATOR_NOT_AVAILABLE,
    first: "refind",
    reason: "no coordinator yet, or its log cannot be written",
  },
  {
    request,
    code: ERROR.NOT_COORDINATOR,
    first: "refind",
    reason: "the coordinator moved to another broker",
  },
]);

const FENCED_CODES = [
  [ERROR.INVALID_PRODUCER_EPOCH, "a newer epoch of this producer exists, perhaps by a timeout"],
  [ERROR.PRODUCER_FENCED, "another InitProducerId of this transactional id came later"],
  [
    ERROR.INVALID_PRODUCER_ID_MAPPING,
    "the coordinator forgot the id (transactional.id.expiration)",
  ],
  [ERROR.INVALID_TXN_STATE, "the broker ended the transaction by itself (KAFKA-19690)"],
] as const;

const fencing: readonly Row[] = (["Produce", "TxnOffsetCommit", "EndTxn"] as const).flatMap(
  (request) =>
    FENCED_CODES.map(([code, reason]): Row => {
      const row = { request, code, first: "fenced", reason } as const;
      return request === "EndTxn" ? { ...row, repeated: "unknown" } : row;
    }),
);

const init: readonly Row[] = [
  {
    request: "InitProducerId",
    code: ERROR.CONCURRENT_TRANSACTIONS,
    first: "retry",
    reason: "the transaction of a predecessor is being ended",
  },
  {
    request: "InitProducerId",
    code: ERROR.INVALID_PRODUCER_EPOCH,
    first: "fenced",
    reason: "another InitProducerId came between",
  },
  {
    request: "InitProducerId",
    code: ERROR.PRODUCER_FENCED,
    first: "fenced",
    reason: "another InitProducerId came between",
  },
];

const produce: readonly Row[] = [
  ...(
    [
      [ERROR.UNKNOWN_TOPIC_OR_PARTITION, "the metadata of a new topic is on its way"],
      [ERROR.LEADER_NOT_AVAILABLE, "an election is under way"],
      [ERROR.NOT_LEADER_OR_FOLLOWER, "the leader moved"],
      [ERROR.KAFKA_STORAGE_ERROR, "the leader's disk failed; another replica takes over"],
      [ERROR.NETWORK_EXCEPTION, "the leader lost a follower or the controller"],
    ] as const
  ).map(([code, reason]): Row => ({ request: "Produce", code, first: "refind", reason })),
  ...(
    [
      [ERROR.REQUEST_TIMED_OUT, "replicas are slow; the same bytes are recognised"],
      [ERROR.NOT_ENOUGH_REPLICAS, "fewer replicas in sync than min.insync.replicas"],
      [ERROR.NOT_ENOUGH_REPLICAS_AFTER_APPEND, "appended, but not replicated enough yet"],
      [ERROR.CONCURRENT_TRANSACTIONS, "markers of the last transaction are still being written"],
      [ERROR.COORDINATOR_LOAD_IN_PROGRESS, "the leader verifies the transaction, KIP-890"],
      [ERROR.COORDINATOR_NOT_AVAILABLE, "the leader verifies the transaction, KIP-890"],
      [ERROR.NOT_COORDINATOR, "the leader verifies the transaction, KIP-890"],
      [ERROR.THROTTLING_QUOTA_EXCEEDED, "a quota; the broker says how long"],
    ] as const
  ).map(([code, reason]): Row => ({ request: "Produce", code, first: "retry", reason })),
  {
    request: "Produce",
    code: ERROR.DUPLICATE_SEQUENCE_NUMBER,
    first: "success",
    reason: "an earlier try of the same bytes was appended",
  },
  ...(
    [
      [ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER, "the log misses what came before: begin again"],
      [ERROR.UNKNOWN_PRODUCER_ID, "the log forgot this producer (retention)"],
      [ERROR.TRANSACTION_ABORTABLE, "the broker asks for an abort (KIP-1050)"],
      [ERROR.CORRUPT_MESSAGE, "damaged on its way: the checksum does not fit"],
    ] as const
  ).map(([code, reason]): Row => ({ request: "Produce", code, first: "abortable", reason })),
];

/** Sizes were checked before (R-2). To abort and try again would be refused again, for ever. */
const oversized: readonly Row[] = (
  [
    [ERROR.MESSAGE_TOO_LARGE, "above the topic's max.message.bytes"],
    [ERROR.RECORD_LIST_TOO_LARGE, "above the topic's segment.bytes"],
  ] as const
).map(([code, reason]): Row => ({ request: "Produce", code, first: "fatal", reason }));

const offsets: readonly Row[] = [
  {
    request: "TxnOffsetCommit",
    code: ERROR.CONCURRENT_TRANSACTIONS,
    first: "retry",
    reason: "markers of the last transaction are still being written",
  },
  {
    request: "TxnOffsetCommit",
    code: ERROR.UNKNOWN_TOPIC_OR_PARTITION,
    first: "retry",
    reason: "the coordinator has not seen the topic yet",
  },
  {
    request: "TxnOffsetCommit",
    code: ERROR.ILLEGAL_GENERATION,
    first: "staleEpoch",
    reason: "the member epoch moved; perhaps nothing of ours did (V6)",
  },
  {
    request: "TxnOffsetCommit",
    code: ERROR.STALE_MEMBER_EPOCH,
    first: "staleEpoch",
    reason: "the same, from TxnOffsetCommit v6 on (KIP-1319)",
  },
  ...(
    [
      [ERROR.UNKNOWN_MEMBER_ID, "the group does not know this member"],
      [ERROR.FENCED_MEMBER_EPOCH, "the group fenced this member"],
      [ERROR.FENCED_INSTANCE_ID, "another process has the same instance id"],
    ] as const
  ).map(
    ([code, reason]): Row => ({ request: "TxnOffsetCommit", code, first: "memberLost", reason }),
  ),
  {
    request: "TxnOffsetCommit",
    code: ERROR.TRANSACTION_ABORTABLE,
    first: "abortable",
    reason: "the broker asks for an abort (KIP-1050)",
  },
  {
    request: "TxnOffsetCommit",
    code: ERROR.REBALANCE_IN_PROGRESS,
    first: "abortable",
    reason: "the group is between two assignments (classic protocol)",
  },
];

const end: readonly Row[] = [
  {
    request: "EndTxn",
    code: ERROR.CONCURRENT_TRANSACTIONS,
    first: "retry",
    reason: "the coordinator is still at work on this transactional id",
  },
  {
    request: "EndTxn",
    code: ERROR.TRANSACTION_ABORTABLE,
    first: "abortable",
    repeated: "unknown",
    reason: "the broker asks for an abort (KIP-1050)",
  },
];

const heartbeat: readonly Row[] = [
  ...([ERROR.UNKNOWN_MEMBER_ID, ERROR.FENCED_MEMBER_EPOCH] as const).map(
    (code): Row => ({
      request: "ConsumerGroupHeartbeat",
      code,
      first: "memberLost",
      reason: "the session timed out, or the group was deleted: join again",
    }),
  ),
  {
    request: "ConsumerGroupHeartbeat",
    code: ERROR.INVALID_REGULAR_EXPRESSION,
    first: "fatal",
    reason: "brokers read the pattern of a source otherwise than we do: simplify it (RE2)",
  },
  {
    request: "ConsumerGroupHeartbeat",
    code: ERROR.THROTTLING_QUOTA_EXCEEDED,
    first: "retry",
    reason: "a quota; the broker says how long",
  },
];

/** Every row, for the test that goes through them one by one. */
export const table: readonly Row[] = [
  ...coordination,
  ...fencing,
  ...init,
  ...produce,
  ...oversized,
  ...offsets,
  ...end,
  ...heartbeat,
];

const byKey = new Map(table.map((row) => [`${row.request}/${row.code}`, row]));

export function classify(
  request: Request,
  code: number,
  attempt: "first" | "repeated" = "first",
): Classification {
  const row = byKey.get(`${request}/${code}`);
  if (row === undefined) return "fatal";
  return attempt === "repeated" ? (row.repeated ?? row.first) : row.first;
}

/** The error that a code means, in words: what was asked, what the broker said, what to do. */
export function brokerError(request: Request, code: number, what: string): OutriggerError {
  const reason = byKey.get(`${request}/${code}`)?.reason;
  const kafkaError = errorLabel(code);
  const said = `${request} for ${what}: ${errorName(code)}${reason === undefined ? "" : `: ${reason}`}`;
  return new OutriggerError(catalogCode(request, code), `${said}${remedy(code)}`, { kafkaError });
}

function catalogCode(request: Request, code: number): ErrorCode {
  if (isAuthorization(code)) return "AUTHORIZATION_FAILED";
  switch (classify(request, code)) {
    case "retry":
    case "refind":
    case "unknown":
    case "success":
      return "BROKER_UNAVAILABLE";
    case "abortable":
      return "TRANSACTION_ABORTED";
    case "fenced":
      return "PRODUCER_FENCED";
    case "staleEpoch":
      return "MEMBER_EPOCH_STALE";
    case "memberLost":
      return "MEMBERSHIP_LOST";
    case "fatal":
      return "BROKER_REFUSED";
  }
}

function isAuthorization(code: number): boolean {
  return (
    code === ERROR.TOPIC_AUTHORIZATION_FAILED ||
    code === ERROR.GROUP_AUTHORIZATION_FAILED ||
    code === ERROR.CLUSTER_AUTHORIZATION_FAILED ||
    code === ERROR.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
  );
}

function remedy(code: number): string {
  switch (code) {
    case ERROR.TOPIC_AUTHORIZATION_FAILED:
      return "; grant WRITE on the topic";
    case ERROR.GROUP_AUTHORIZATION_FAILED:
      return "; grant READ on the group";
    case ERROR.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return "; grant WRITE on the transactional id";
    case ERROR.MESSAGE_TOO_LARGE:
      return "; lower producer.max.request.size or raise the topic's max.message.bytes";
    case ERROR.INVALID_TRANSACTION_TIMEOUT:
      return "; lower transaction.timeout.ms below the brokers' transaction.max.timeout.ms";
    case ERROR.UNSUPPORTED_ASSIGNOR:
      return "; allow the server assignor `range` (group.consumer.assignors)";
    default:
      return "";
  }
}
