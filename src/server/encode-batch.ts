/**
 * `ProcessResponse{batch}` written by hand, straight from columns into bytes of exactly the right size:
 * sized first, taken once. Fuzzed against the generated code.
 */

import { invariant } from "../errors/invariant.ts";
import type { DispatchedBatch } from "../ports/application.ts";
import { planSegments, type SegmentPlan, segmentSize, writeSegment } from "./encode-segment.ts";
import { planState, type StatePlan, stateSize, writeState } from "./encode-state.ts";
import {
  delimitedSize,
  optionalSize,
  uintFieldSize,
  writeDelimited,
  writeUintField,
} from "./protobuf-writer.ts";

const RESPONSE_BATCH = 3;

const DISPATCH_ID = 1;
const TASK_EPOCH = 2;
const TASK_ID = 3;
const STAGE = 4;
const SEGMENTS = 5;
const STATES = 6;
const PROCESSING_TIMEOUT_MS = 7;

/** Encodes the frame that carries a batch, into what `take` gives for its size. */
export function encodeBatch(
  batch: DispatchedBatch,
  take: (bytes: number) => Buffer = Buffer.allocUnsafe,
): Buffer {
  const segments = batch.rows.flatMap((range) => planSegments(range, batch.firstSource));
  const states = batch.states.map(planState);
  const size = batchSize(batch, segments, states);
  const frame = take(delimitedSize(size));
  const start = writeDelimited(frame, 0, RESPONSE_BATCH, size);
  const end = writeBatch(frame, start, batch, segments, states);
  invariant(end === frame.length, "a batch is written into exactly the bytes it was sized for");
  return frame;
}

function batchSize(
  batch: DispatchedBatch,
  segments: readonly SegmentPlan[],
  states: readonly StatePlan[],
): number {
  let size = uintFieldSize(batch.dispatchId) + uintFieldSize(batch.taskEpoch);
  size += optionalSize(Buffer.byteLength(batch.taskName)) + uintFieldSize(batch.stage);
  for (const segment of segments) size += delimitedSize(segmentSize(segment));
  for (const state of states) size += delimitedSize(stateSize(state));
  return size + uintFieldSize(batch.processingTimeoutMs);
}

function writeBatch(
  to: Buffer,
  start: number,
  batch: DispatchedBatch,
  segments: readonly SegmentPlan[],
  states: readonly StatePlan[],
): number {
  let at = writeUintField(to, start, DISPATCH_ID, batch.dispatchId);
  at = writeUintField(to, at, TASK_EPOCH, batch.taskEpoch);
  if (batch.taskName !== "") {
    at = writeDelimited(to, at, TASK_ID, Buffer.byteLength(batch.taskName));
    at += to.write(batch.taskName, at, "utf8");
  }
  at = writeUintField(to, at, STAGE, batch.stage);
  for (const segment of segments) {
    at = writeDelimited(to, at, SEGMENTS, segmentSize(segment));
    at = writeSegment(to, at, segment);
  }
  for (const state of states) {
    at = writeDelimited(to, at, STATES, stateSize(state));
    at = writeState(to, at, state);
  }
  return writeUintField(to, at, PROCESSING_TIMEOUT_MS, batch.processingTimeoutMs);
}
