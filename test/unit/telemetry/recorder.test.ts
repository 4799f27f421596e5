import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Status } from "../../../src/ports/status.ts";
import { prometheusText } from "../../../src/telemetry/prometheus-text.ts";
import { Recorder } from "../../../src/telemetry/recorder.ts";
import { Registry } from "../../../src/telemetry/registry.ts";

const STATUS: Status = {
  phase: "active",
  workers: 2,
  joined: true,
  unreachable: null,
  abortsInARow: 0,
  refusal: "",
  tasks: [
    {
      name: "0_1",
      partition: 1,
      epoch: 3,
      phase: "restoring",
      restoring: { store: "counts", remaining: 70 },
      uncommittedBytes: 0,
      inputBytes: 0,
      batchesInFlight: 0,
      parkedRecords: 0,
      heldBack: [],
      lags: [],
      error: null,
    },
    {
      name: "0_2",
      partition: 2,
      epoch: 4,
      phase: "running",
      restoring: null,
      uncommittedBytes: 11,
      inputBytes: 12,
      batchesInFlight: 1,
      parkedRecords: 0,
      heldBack: [{ node: "held", records: 3, bytes: 120 }],
      lags: [{ topic: "in", partition: 2, lag: 5, endLag: 9 }],
      error: null,
    },
  ],
};

function scene(allKafkaNames = false) {
  const registry = new Registry();
  const recorder = new Recorder({ registry, tracing: null, status: () => STATUS, allKafkaNames });
  const value = (line: string): number => {
    const lines = prometheusText(registry.collect(), {}).split("\n");
    const found = lines.filter((each) => each.startsWith(`${line} `));
    assert.equal(found.length, 1, line);
    return Number(found[0]?.slice(line.length));
  };
  return { recorder, value };
}

describe("what the runtime tells is counted", () => {
  it("commits, with what they settled and sent", () => {
    const { recorder, value } = scene();
    const settled = {
      records: 10,
      dropped: 3,
      skipped: 2,
      deadLettered: 1,
      parked: 6,
      released: 4,
    };
    recorder.committed(20, new Map([["out", 4]]), settled);
    recorder.committed(40, new Map(), { ...settled, records: 5 });
    recorder.aborted("refused");
    recorder.unresolved();
    assert.equal(value('outrigger_commits_total{outcome="committed"}'), 2);
    assert.equal(value('outrigger_commits_total{outcome="aborted"}'), 1);
    assert.equal(value('outrigger_commits_total{outcome="unknown"}'), 1);
    assert.equal(value('outrigger_transactions_aborted_total{reason="refused"}'), 1);
    assert.equal(value("outrigger_records_processed_total"), 15);
    assert.equal(value("outrigger_records_dropped_total"), 6);
    assert.equal(value("outrigger_records_skipped_total"), 4);
    assert.equal(value("outrigger_dlq_records_total"), 2);
    assert.equal(value("kafka_stream_thread_commit_latency_avg"), 30);
    assert.equal(value("kafka_stream_thread_commit_latency_max"), 40);
  });

  it("failures, refusals and answers that are dropped", () => {
    const { recorder, value } = scene();
    recorder.recordFailed();
    recorder.taskFailed("HANDLER_FAILED");
    recorder.answerDropped("stale");
    recorder.answerDropped("duplicate");
    recorder.answerDropped("duplicate");
    recorder.producerError("NOT_ENOUGH_REPLICAS", "retriable");
    recorder.producerError("PRODUCER_FENCED", "fenced");
    const error = (type: string, kind: string) =>
      value(`outrigger_producer_errors_total{error_type="${type}",class="${kind}"}`);
    assert.equal(error("NOT_ENOUGH_REPLICAS", "retriable"), 1);
    assert.equal(error("PRODUCER_FENCED", "fenced"), 1);
    assert.equal(value("outrigger_transactions_fenced_total"), 1);
    assert.equal(value("kafka_producer_record_error_total"), 2);
    assert.equal(value("outrigger_record_failures_total"), 1);
    assert.equal(value('outrigger_task_failed_total{reason="HANDLER_FAILED"}'), 1);
    assert.equal(value("kafka_stream_failed_stream_threads"), 1);
    assert.equal(value("outrigger_app_responses_stale_total"), 1);
    assert.equal(value("outrigger_app_responses_duplicate_total"), 2);
  });

  it("and what holds now is asked for when somebody looks", () => {
    const { recorder, value } = scene(true);
    recorder.phaseEnded("ending", 2);
    recorder.phaseEnded("ready", 1_000);
    recorder.age("in", 700);
    assert.equal(value("outrigger_ready"), 0);
    assert.equal(value("outrigger_workers"), 2);
    assert.equal(value('outrigger_tasks{state="restoring"}'), 1);
    assert.equal(value('outrigger_tasks{state="running"}'), 1);
    assert.equal(value('outrigger_restore_remaining{task="0_1"}'), 70);
    assert.equal(value('outrigger_state_uncommitted_bytes{task="0_2"}'), 11);
    assert.equal(value('outrigger_input_buffer_bytes{task="0_2"}'), 12);
    const held = 'task="0_2",node="held"';
    assert.equal(value(`outrigger_suppression_buffer_count{${held}}`), 3);
    assert.equal(value(`outrigger_suppression_buffer_size_bytes{${held}}`), 120);
    const id = 'task_id="0_2",in_memory_suppression_id="held"';
    assert.equal(value(`kafka_stream_state_suppression_buffer_count{${id}}`), 3);
    assert.equal(value(`kafka_stream_state_suppression_buffer_size{${id}}`), 120);
    const at = 'messaging_destination_name="in",messaging_destination_partition_id="2"';
    assert.equal(value(`outrigger_consumer_lag{${at}}`), 5);
    assert.equal(value(`outrigger_consumer_end_lag{${at}}`), 9);
    assert.equal(value('kafka_consumer_fetch_manager_records_lag{topic="in",partition="2"}'), 5);
    assert.equal(value('kafka_producer_txn_time_ns_total{operation="commit"}'), 2_000_000);
    assert.equal(value("kafka_stream_record_e2e_latency_max"), 700);
    assert.equal(value('outrigger_transaction_phase_duration_seconds_count{phase="end"}'), 1);
  });
});
