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
  /** What a person does about it; the page says more. */
  readonly remedy: string;
}

/** Every error that a user can meet, each with a page in docs/errors. */
export const catalog = {
  BROKER_UNAVAILABLE: {
    recovery: "retry",
    summary: "A broker cannot be reached.",
    remedy: "Nothing, if it passes; else check bootstrap.servers, the network and the brokers.",
  },
  REQUEST_TIMED_OUT: {
    recovery: "retry",
    summary: "A broker did not answer in time.",
    remedy: "Nothing, if it passes; else look at the broker's load, or raise request.timeout.ms.",
  },
  TLS_FAILED: {
    recovery: "stopProcess",
    summary: "An encrypted connection cannot be made.",
    remedy: "Check ssl.truststore.location, ssl.keystore.location and security.protocol.",
  },
  AUTHENTICATION_FAILED: {
    recovery: "stopProcess",
    summary: "The broker does not accept who we are.",
    remedy: "Check sasl.mechanism and its user and password, or its token.",
  },
  TOKEN_UNAVAILABLE: {
    recovery: "retry",
    summary: "The token provider cannot be reached.",
    remedy: "Nothing, if it passes; else check sasl.oauthbearer.token.endpoint.url.",
  },
  TRANSACTION_ABORTED: {
    recovery: "abortTransaction",
    summary: "The open transaction cannot commit.",
    remedy: "Nothing: the same records are committed again.",
  },
  TRANSACTION_MARKERS_LOST: {
    recovery: "stopProcess",
    summary: "A broker has lost the marker that ends a transaction, and we may not write it.",
    remedy: "Grant ALTER on the cluster to the sidecar's user, then start again.",
  },
  PRODUCER_FENCED: {
    recovery: "closeTaskDirty",
    summary: "A newer producer uses the transactional id.",
    remedy: "Nothing, if it happens once; else look for a copy of the state directory in use.",
  },
  MEMBERSHIP_LOST: {
    recovery: "closeTaskDirty",
    summary: "The group no longer knows this member.",
    remedy: "Nothing: the sidecar joins again. If it repeats, look at load and network.",
  },
  MEMBER_EPOCH_STALE: {
    recovery: "retry",
    summary: "The group moved on to a newer member epoch.",
    remedy: "Nothing: the sidecar asks again with the new epoch.",
  },
  BROKER_INCOMPATIBLE: {
    recovery: "stopProcess",
    summary: "The broker lacks what exactly-once needs.",
    remedy: "Upgrade the brokers to Kafka 4.0 or later, and finalize the feature.",
  },
  BROKER_REFUSED: {
    recovery: "stopProcess",
    summary: "The broker refused a request for good.",
    remedy: "Mend what the broker objects to, then start again.",
  },
  BROKER_ANSWER_MALFORMED: {
    recovery: "stopProcess",
    summary: "A broker's answer cannot be read.",
    remedy: "Check that bootstrap.servers names a Kafka listener of the right kind.",
  },
  AUTHORIZATION_FAILED: {
    recovery: "stopProcess",
    summary: "The broker denies access.",
    remedy: "Grant the right that is named: `outrigger check` prints the commands.",
  },
  TOPIC_MISSING: {
    recovery: "stopProcess",
    summary: "A topic does not exist.",
    remedy: "Create the topic, then start again.",
  },
  TOPIC_MISCONFIGURED: {
    recovery: "stopProcess",
    summary: "A topic does not fit the topology.",
    remedy: "Change the topic as is said, then start again.",
  },
  RECORD_CORRUPT: {
    recovery: "stopProcess",
    summary: "A record batch failed its checksum.",
    remedy: "Restore the partition from a good replica or a backup.",
  },
  COMPRESSION_UNSUPPORTED: {
    recovery: "stopProcess",
    summary: "Records use a codec that cannot be read.",
    remedy: "Set compression.type of topic and producers to none or gzip.",
  },
  OFFSET_OUT_OF_RANGE: {
    recovery: "stopProcess",
    summary: "Input records were deleted before they were read.",
    remedy: "Restore the records, or reset the application.",
  },
  COMMITTED_STATE_LOST: {
    recovery: "stopProcess",
    summary: "The changelog ends before the committed state.",
    remedy: "Restore the changelog, or reset the application.",
  },
  OFFSETS_LOST: {
    recovery: "stopProcess",
    summary: "State exists, but no committed offset belongs to it.",
    remedy: "Restore the offsets, or reset the application.",
  },
  CHANGELOG_TOUCHED: {
    recovery: "stopProcess",
    summary: "Somebody else wrote into a changelog.",
    remedy: "Stop the other producer; reset the application, or accept what it wrote.",
  },
  GROUP_TOUCHED: {
    recovery: "stopProcess",
    summary: "A member of the group is no sidecar.",
    remedy: "Stop the other consumer, or use another application.id.",
  },
  STORE_CORRUPTED: {
    recovery: "wipeAndRestore",
    summary: "Local state cannot be trusted.",
    remedy: "Nothing: state is restored from the changelog.",
  },
  STORE_FAILED: {
    recovery: "stopProcess",
    summary: "The state directory cannot be read or written.",
    remedy: "Mend or free the disk, or set another state.dir, then start again.",
  },
  STATE_DIRECTORY_LOCKED: {
    recovery: "stopProcess",
    summary: "Another process uses the state directory.",
    remedy: "Stop the other process, or set another state.dir.",
  },
  HANDLER_FAILED: {
    recovery: "askPolicy",
    summary: "Application logic rejected a record.",
    remedy: "Mend the handler, or the record's data; then restart the application.",
  },
  PARKED_FULL: {
    recovery: "askPolicy",
    summary: "A task has parked as many records as it may.",
    remedy:
      "Release or drop some (`outrigger dlq release`), or raise parked.max.records and .bytes.",
  },
  SUPPRESS_BUFFER_FULL: {
    recovery: "askPolicy",
    summary: "The buffer of a suppress is full, and it is to stop then.",
    remedy: "Raise its maxRecords or maxBytes, or let it emit early when it is full.",
  },
  VALUE_MALFORMED: {
    recovery: "askPolicy",
    summary: "A built-in aggregation cannot read a record's value.",
    remedy: "Send what Kafka's serializer of the declared type writes, or declare another type.",
  },
  ANSWER_INVALID: {
    recovery: "askPolicy",
    summary: "The application's answer broke the protocol.",
    remedy: "Mend the application, or update its SDK.",
  },
  PROTOCOL_VIOLATION: {
    recovery: "rejectCall",
    summary: "The application broke the protocol.",
    remedy: "Update the application's SDK.",
  },
  PROTOCOL_VERSION: {
    recovery: "rejectCall",
    summary: "Application and sidecar share no protocol version.",
    remedy: "Update the older of the two: the application's SDK, or the sidecar.",
  },
  TOPOLOGY_INVALID: {
    recovery: "rejectCall",
    summary: "The declared topology cannot run.",
    remedy: "Mend the topology as is said.",
  },
  TOPOLOGY_MISMATCH: {
    recovery: "rejectCall",
    summary: "Another worker declared another topology.",
    remedy: "Run one version of the application, or restart the sidecar.",
  },
  TEST_DRIVER_REFUSED: {
    recovery: "rejectCall",
    summary: "A call of the test driver cannot be done.",
    remedy: "Mend the test as is said.",
  },
  CONFIG_INVALID: {
    recovery: "stopProcess",
    summary: "The configuration has faults.",
    remedy: "Set what is said; docs/configuration.md lists every key.",
  },
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof catalog;
