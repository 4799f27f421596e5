/** What the sidecar does next; see docs/errors. */
export type Recovery =
  | "retry"
  | "abortTransaction"
  | "closeTaskDirty"
  | "wipeAndRestore"
  | "askPolicy"
  | "rejectCall"
  | "stopProcess";

interface Entry {
  readonly recovery: Recovery;
  readonly summary: string;
}

/** Every error that a user can meet, each with a page in docs/errors. */
export const catalog = {
  BROKER_UNAVAILABLE: { recovery: "retry", summary: "A broker cannot be reached." },
  REQUEST_TIMED_OUT: { recovery: "retry", summary: "A broker did not answer in time." },
  TRANSACTION_ABORTED: {
    recovery: "abortTransaction",
    summary: "The open transaction cannot commit.",
  },
  PRODUCER_FENCED: {
    recovery: "closeTaskDirty",
    summary: "A newer producer uses the transactional id.",
  },
  MEMBERSHIP_LOST: {
    recovery: "closeTaskDirty",
    summary: "The group no longer knows this member.",
  },
  MEMBER_EPOCH_STALE: { recovery: "retry", summary: "The group moved on to a newer member epoch." },
  BROKER_INCOMPATIBLE: {
    recovery: "stopProcess",
    summary: "The broker lacks what exactly-once needs.",
  },
  BROKER_REFUSED: { recovery: "stopProcess", summary: "The broker refused a request for good." },
  BROKER_ANSWER_MALFORMED: {
    recovery: "stopProcess",
    summary: "A broker's answer cannot be read.",
  },
  AUTHORIZATION_FAILED: { recovery: "stopProcess", summary: "The broker denies access." },
  TOPIC_MISSING: { recovery: "stopProcess", summary: "A topic does not exist." },
  TOPIC_MISCONFIGURED: { recovery: "stopProcess", summary: "A topic does not fit the topology." },
  RECORD_CORRUPT: { recovery: "stopProcess", summary: "A record batch failed its checksum." },
  COMPRESSION_UNSUPPORTED: {
    recovery: "stopProcess",
    summary: "Records use a codec that cannot be read.",
  },
  OFFSET_OUT_OF_RANGE: {
    recovery: "stopProcess",
    summary: "Input records were deleted before they were read.",
  },
  COMMITTED_STATE_LOST: {
    recovery: "stopProcess",
    summary: "The changelog ends before the committed state.",
  },
  OFFSETS_LOST: {
    recovery: "stopProcess",
    summary: "State exists, but no committed offset belongs to it.",
  },
  CHANGELOG_TOUCHED: {
    recovery: "stopProcess",
    summary: "Somebody else wrote into a changelog.",
  },
  GROUP_TOUCHED: {
    recovery: "stopProcess",
    summary: "A member of the group is no sidecar.",
  },
  STORE_CORRUPTED: { recovery: "wipeAndRestore", summary: "Local state cannot be trusted." },
  STORE_FAILED: {
    recovery: "stopProcess",
    summary: "The state directory cannot be read or written.",
  },
  STATE_DIRECTORY_LOCKED: {
    recovery: "stopProcess",
    summary: "Another process uses the state directory.",
  },
  HANDLER_FAILED: { recovery: "askPolicy", summary: "Application logic rejected a record." },
  ANSWER_INVALID: {
    recovery: "askPolicy",
    summary: "The application's answer broke the protocol.",
  },
  PROTOCOL_VIOLATION: { recovery: "rejectCall", summary: "The application broke the protocol." },
  PROTOCOL_VERSION: {
    recovery: "rejectCall",
    summary: "Application and sidecar share no protocol version.",
  },
  TOPOLOGY_INVALID: { recovery: "rejectCall", summary: "The declared topology cannot run." },
  TOPOLOGY_MISMATCH: {
    recovery: "rejectCall",
    summary: "Another worker declared another topology.",
  },
  CONFIG_INVALID: { recovery: "stopProcess", summary: "The configuration has faults." },
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof catalog;
