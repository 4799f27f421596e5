import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import grpc from "@grpc/grpc-js";
import { asError, OutriggerError } from "../errors/outrigger-error.ts";
import * as pb from "../gen/outrigger/v1/testdriver_pb.ts";
import type { DriverFault, PipedRecord, TestDriverCalls } from "../ports/test-driver.ts";

const TIMEOUT_MS_DEFAULT = 30_000;

const FAULTS: Readonly<Record<number, DriverFault>> = {
  [pb.Fault.COMMIT_FAILED]: "commitFailed",
  [pb.Fault.REDELIVER]: "redeliver",
  [pb.Fault.UNKNOWN_OUTCOME]: "unknownOutcome",
};

/** Whether a call may be made: null, or the status that refuses it. */
export type Refusal = (metadata: grpc.Metadata) => Partial<grpc.StatusObject> | null;

/** Serves `TestDriverService`. */
export function addTestDriver(
  server: grpc.Server,
  driver: TestDriverCalls,
  refusal: Refusal,
): void {
  const at = <I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    call: Call<I, O>,
  ): void => addMethod(server, refusal, method, call);
  const { method } = pb.TestDriverService;
  at(method.createTopic, async ({ name, partitions }) => {
    driver.createTopic(name, partitions === 0 ? 1 : partitions);
    return {};
  });
  at(method.awaitApplication, async ({ timeoutMs }) => {
    return { settled: settledOf(await driver.awaitApplication(timeoutOf(timeoutMs))) };
  });
  at(method.pipeInput, async ({ topic, records, timeoutMs }) => {
    const piped = records.map(pipedOf);
    return { settled: settledOf(await driver.pipe(topic, piped, timeoutOf(timeoutMs))) };
  });
  at(method.readOutput, async ({ topic }) => {
    const { records, more } = driver.read(topic);
    return {
      records: records.map(({ key, value, headers, timestamp, partition, offset }) => ({
        ...present({ key, value }),
        headers: headers.map((header) => ({
          key: header.key,
          ...present({ value: header.value }),
        })),
        timestamp: BigInt(timestamp),
        partition,
        offset: BigInt(offset),
      })),
      more,
    };
  });
  at(method.advanceWallClock, async ({ ms, timeoutMs }) => {
    const settled = await driver.advance(Number(ms), timeoutOf(timeoutMs));
    const { wallClockMs } = driver.describe();
    return { settled: settledOf(settled), wallClockMs: BigInt(wallClockMs) };
  });
  at(method.advanceStreamTime, async ({ timestamp, timeoutMs }) => {
    const settled = await driver.advanceStreamTime(Number(timestamp), timeoutOf(timeoutMs));
    return { settled: settledOf(settled) };
  });
  at(method.readStore, async ({ store, key, windowStart, from, to }) => {
    const found = await driver.readStore(store, {
      key: bytesOf(key),
      windowStart: windowStart === undefined ? null : Number(windowStart),
      from: bytesOf(from),
      to: bytesOf(to),
    });
    return {
      entries: found.map((entry) => ({
        key: entry.key,
        value: entry.value,
        partition: entry.partition,
        ...(entry.windowStart === null ? {} : { windowStart: BigInt(entry.windowStart) }),
        ...(entry.timestamp === undefined ? {} : { timestamp: BigInt(entry.timestamp) }),
      })),
    };
  });
  at(method.injectFault, async ({ fault }) => {
    const known = FAULTS[fault];
    if (known === undefined) {
      const text = `the fault ${fault} is none: give COMMIT_FAILED, REDELIVER or UNKNOWN_OUTCOME`;
      throw new OutriggerError("TEST_DRIVER_REFUSED", text);
    }
    driver.inject(known);
    return {};
  });
  at(method.describe, async () => {
    const { applicationId, wallClockMs, topics, stores, faultsMet } = driver.describe();
    const wallClock = BigInt(wallClockMs);
    return {
      applicationId,
      wallClockMs: wallClock,
      topics: [...topics],
      stores: [...stores],
      faultsMet,
    };
  });
  at(method.close, async () => {
    // Once the answer has left.
    setImmediate(() => driver.close());
    return {};
  });
}

interface Method<I extends DescMessage, O extends DescMessage> {
  readonly name: string;
  readonly localName: string;
  readonly input: I;
  readonly output: O;
}

type Call<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
) => Promise<MessageInitShape<O>>;

function addMethod<I extends DescMessage, O extends DescMessage>(
  server: grpc.Server,
  refusal: Refusal,
  { name, localName, input, output }: Method<I, O>,
  call: Call<I, O>,
): void {
  const definition: grpc.MethodDefinition<MessageShape<I>, MessageShape<O>> = {
    path: `/${pb.TestDriverService.typeName}/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (value) => Buffer.from(toBinary(input, value)),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (value) => Buffer.from(toBinary(output, value)),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
  const handler: grpc.handleUnaryCall<MessageShape<I>, MessageShape<O>> = (asked, answer) => {
    const refused = refusal(asked.metadata);
    if (refused !== null) return answer(refused);
    call(asked.request).then(
      (value) => answer(null, create(output, value)),
      (error: unknown) => answer(statusOf(error)),
    );
  };
  server.addService({ [localName]: definition }, { [localName]: handler });
}

function statusOf(thrown: unknown): Partial<grpc.StatusObject> {
  const { status } = grpc;
  if (!(thrown instanceof OutriggerError)) {
    return { code: status.INTERNAL, details: asError(thrown).message };
  }
  const details = `${thrown.code}: ${thrown.message}`;
  if (thrown.code === "TEST_DRIVER_REFUSED") return { code: status.INVALID_ARGUMENT, details };
  if (thrown.code === "TOPIC_MISSING") return { code: status.FAILED_PRECONDITION, details };
  if (thrown.code === "HANDLER_FAILED") return { code: status.DEADLINE_EXCEEDED, details };
  return { code: status.ABORTED, details };
}

function settledOf(settled: Awaited<ReturnType<TestDriverCalls["pipe"]>>): {
  committed: boolean;
  stopped: string[];
  waiting: string;
} {
  return { ...settled, stopped: [...settled.stopped] };
}

function pipedOf({ key, value, headers, timestamp, partition }: pb.DriverRecord): PipedRecord {
  return {
    key: bytesOf(key),
    value: bytesOf(value),
    headers: headers.map((header) => ({ key: header.key, value: bytesOf(header.value) })),
    timestamp: timestamp === undefined ? null : Number(timestamp),
    partition: partition ?? null,
  };
}

function timeoutOf(timeoutMs: number): number {
  return timeoutMs === 0 ? TIMEOUT_MS_DEFAULT : timeoutMs;
}

function bytesOf(bytes: Uint8Array | undefined): Buffer | null {
  return bytes === undefined ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Without what is null: protobuf's way of saying it. */
function present<T extends string>(fields: Record<T, Buffer | null>): Partial<Record<T, Buffer>> {
  const entries = Object.entries<Buffer | null>(fields).filter(([, bytes]) => bytes !== null);
  return Object.fromEntries(entries) as Partial<Record<T, Buffer>>;
}
