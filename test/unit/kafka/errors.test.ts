import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { brokerError, classify, table } from "../../../src/kafka/errors.ts";
import { ERROR, errorName } from "../../../src/kafka/protocol/error-codes.ts";

/** R-13, written down a second time: a row that changes must be changed in both, on purpose. */
const EXPECTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  InitProducerId: {
    retry: "COORDINATOR_LOAD_IN_PROGRESS CONCURRENT_TRANSACTIONS",
    refind: "COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR",
    fenced: "INVALID_PRODUCER_EPOCH PRODUCER_FENCED",
  },
  Produce: {
    retry:
      "REQUEST_TIMED_OUT NOT_ENOUGH_REPLICAS NOT_ENOUGH_REPLICAS_AFTER_APPEND " +
      "CONCURRENT_TRANSACTIONS COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE " +
      "NOT_COORDINATOR THROTTLING_QUOTA_EXCEEDED",
    refind:
      "UNKNOWN_TOPIC_OR_PARTITION LEADER_NOT_AVAILABLE NOT_LEADER_OR_FOLLOWER " +
      "KAFKA_STORAGE_ERROR NETWORK_EXCEPTION",
    success: "DUPLICATE_SEQUENCE_NUMBER",
    abortable:
      "OUT_OF_ORDER_SEQUENCE_NUMBER UNKNOWN_PRODUCER_ID TRANSACTION_ABORTABLE CORRUPT_MESSAGE",
    // Wire-level tables abort here; a cut that is produced again as it is would abort for ever.
    fatal: "MESSAGE_TOO_LARGE RECORD_LIST_TOO_LARGE",
    fenced: "INVALID_PRODUCER_EPOCH PRODUCER_FENCED INVALID_PRODUCER_ID_MAPPING INVALID_TXN_STATE",
  },
  TxnOffsetCommit: {
    retry: "COORDINATOR_LOAD_IN_PROGRESS CONCURRENT_TRANSACTIONS UNKNOWN_TOPIC_OR_PARTITION",
    refind: "COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR",
    staleEpoch: "ILLEGAL_GENERATION STALE_MEMBER_EPOCH",
    memberLost: "UNKNOWN_MEMBER_ID FENCED_MEMBER_EPOCH FENCED_INSTANCE_ID",
    abortable: "TRANSACTION_ABORTABLE REBALANCE_IN_PROGRESS",
    fenced: "INVALID_PRODUCER_EPOCH PRODUCER_FENCED INVALID_PRODUCER_ID_MAPPING INVALID_TXN_STATE",
  },
  EndTxn: {
    retry: "COORDINATOR_LOAD_IN_PROGRESS CONCURRENT_TRANSACTIONS",
    refind: "COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR",
    abortable: "TRANSACTION_ABORTABLE",
    fenced: "INVALID_PRODUCER_EPOCH PRODUCER_FENCED INVALID_PRODUCER_ID_MAPPING INVALID_TXN_STATE",
  },
  ConsumerGroupHeartbeat: {
    retry: "COORDINATOR_LOAD_IN_PROGRESS THROTTLING_QUOTA_EXCEEDED",
    refind: "COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR",
    memberLost: "UNKNOWN_MEMBER_ID FENCED_MEMBER_EPOCH",
    fatal: "INVALID_REGULAR_EXPRESSION",
  },
};

const expectedRows = Object.entries(EXPECTED).flatMap(([request, classes]) =>
  Object.entries(classes).flatMap(([verdict, names]) =>
    names.split(" ").map((name) => ({ request, verdict, name })),
  ),
);

describe("R-13: one table, row by row", () => {
  for (const { request, verdict, name } of expectedRows) {
    test(`${name} for ${request} is ${verdict}`, () => {
      const row = table.find(
        (each) => each.request === request && errorName(each.code).startsWith(`${name} `),
      );
      assert.equal(row?.first, verdict);
      assert.ok((row?.reason.length ?? 0) > 10, "the row says why");
    });
  }

  test("there is no row beside these, and none twice", () => {
    assert.equal(table.length, expectedRows.length);
    assert.equal(
      new Set(table.map(({ request, code }) => `${request}/${code}`)).size,
      table.length,
    );
  });

  test("R-7: no refusal of a repeated EndTxn is an answer", () => {
    for (const { request, code, first } of table) {
      if (request !== "EndTxn" || first === "retry" || first === "refind") continue;
      assert.equal(classify("EndTxn", code, "repeated"), "unknown");
      assert.notEqual(classify("EndTxn", code, "first"), "unknown");
    }
  });

  test("a code that nobody foresaw is fatal, whatever was asked", () => {
    for (const request of ["InitProducerId", "Produce", "TxnOffsetCommit", "EndTxn"] as const) {
      assert.equal(classify(request, 9_999), "fatal");
      assert.equal(classify(request, ERROR.TOPIC_AUTHORIZATION_FAILED), "fatal");
    }
  });

  test("an error names the request, the thing, the code and the remedy", () => {
    const denied = brokerError("Produce", ERROR.TOPIC_AUTHORIZATION_FAILED, "orders-3");
    assert.equal(denied.code, "AUTHORIZATION_FAILED");
    assert.match(denied.message, /Produce for orders-3: TOPIC_AUTHORIZATION_FAILED \(29\).*WRITE/);
    assert.equal(brokerError("EndTxn", ERROR.PRODUCER_FENCED, "app").code, "PRODUCER_FENCED");
  });
});
