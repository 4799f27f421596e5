import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import grpc from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { OutriggerError } from "../../src/errors/outrigger-error.ts";
import {
  ProcessRequestSchema,
  type ProcessResponse,
  ProcessResponseSchema,
} from "../../src/gen/outrigger/v1/processor_pb.ts";
import { int64, mutationsOf, outputsOf, ScriptedKernel } from "./scripted-kernel.ts";

const APP = new URL("./sdk-app.ts", import.meta.url).pathname;
const METHOD = "/outrigger.v1.ProcessorService/Process";
const MIB = 1024 * 1024;

const folder = mkdtempSync(join(tmpdir(), "outrigger-sdk-"));
const open: (() => unknown)[] = [];
let kernels = 0;

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function listen(over: { address?: string; token?: string } = {}): Promise<ScriptedKernel> {
  const address = over.address ?? `unix:${join(folder, `${kernels++}.sock`)}`;
  const options = { applicationId: "words", maxFrameBytes: MIB, ...over, address };
  const kernel = await ScriptedKernel.listen(options);
  open.push(() => kernel.close());
  return kernel;
}

interface Running {
  readonly process: ChildProcess;
  readonly errors: () => string;
  readonly exit: Promise<number | null>;
}

function startApp(env: Readonly<Record<string, string>>): Running {
  const child = spawn(process.execPath, ["--import", "tsx", APP], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (text: Buffer) => {
    errors += text.toString();
  });
  const exit = once(child, "exit").then(([code]: (number | null)[]) => code ?? null);
  open.push(() => {
    child.kill("SIGKILL");
    return exit;
  });
  return { process: child, errors: () => errors, exit };
}

async function serve(): Promise<{ kernel: ScriptedKernel; app: Running }> {
  const kernel = await listen();
  const app = startApp({ OUTRIGGER_ADDRESS: kernel.application.address });
  await kernel.welcome();
  return { kernel, app };
}

/** A client that sends whatever bytes it is told to. */
class RawClient {
  readonly frames: ProcessResponse["frame"][] = [];
  readonly #stream: grpc.ClientDuplexStream<Buffer, Buffer>;
  readonly status: Promise<grpc.StatusObject>;

  constructor(address: string) {
    const client = new grpc.Client(address, grpc.credentials.createInsecure());
    const same = (bytes: Buffer): Buffer => bytes;
    this.#stream = client.makeBidiStreamRequest(METHOD, same, same);
    this.#stream.on("data", (bytes: Buffer) =>
      this.frames.push(fromBinary(ProcessResponseSchema, bytes).frame),
    );
    this.#stream.on("error", () => {});
    this.status = new Promise((resolve) => {
      this.#stream.on("status", (status: grpc.StatusObject) => {
        client.close();
        resolve(status);
      });
    });
  }

  send(bytes: Uint8Array): this {
    this.#stream.write(Buffer.from(bytes));
    return this;
  }

  async rejection(): Promise<string> {
    await this.status;
    const last = this.frames.at(-1);
    return last?.case === "reject" ? `${last.value.code}: ${last.value.message}` : "no reject";
  }
}

function hello(protocolMinor: number): Uint8Array {
  const value = { protocolMinor, topology: {} };
  return toBinary(
    ProcessRequestSchema,
    create(ProcessRequestSchema, { frame: { case: "hello", value } }),
  );
}

async function healthOf(address: string, service: string): Promise<string> {
  const Client = grpc.makeGenericClientConstructor(healthService as grpc.ServiceDefinition, "h");
  const client = new Client(address, grpc.credentials.createInsecure());
  try {
    return await new Promise((resolve, reject) => {
      const check = client["check"] as (
        request: object,
        done: (error: Error | null, answer: { status: string }) => void,
      ) => void;
      check.call(client, { service }, (error, answer) =>
        error === null ? resolve(answer.status) : reject(error),
      );
    });
  } finally {
    client.close();
  }
}

describe("an application and its sidecar", () => {
  it("shake hands: the topology arrives, the socket is the group's, the service is not ready (P-04)", async () => {
    const { kernel } = await serve();
    const [declared] = kernel.hellos;
    assert.equal(declared?.applicationId, "words");
    assert.match(declared?.sdk ?? "", /^@outrigger\/client \S+ node \d+/);
    assert.deepEqual(
      declared?.topology.nodes.map(({ kind }) => kind),
      ["source", "function", "sink"],
    );
    const { address } = kernel.application;
    assert.equal(statSync(address.slice("unix:".length)).mode & 0o777, 0o660);
    const service = "outrigger.v1.ProcessorService";
    assert.equal(await healthOf(address, ""), "SERVING");
    assert.equal(await healthOf(address, service), "NOT_SERVING");
    kernel.application.setServing(true);
    assert.equal(await healthOf(address, service), "SERVING");
  });

  it("count words: state travels with the batch, outputs and mutations come back", async () => {
    const { kernel } = await serve();
    const words = [
      ["a", ""],
      ["b", ""],
      ["a", ""],
    ] as const;
    kernel.dispatch(7, words, { stored: { a: 10 } });
    const answer = await kernel.until(kernel.answers, 1);
    assert.deepEqual([answer.taskName, answer.taskEpoch, answer.dispatchId], ["0_2", 1, 7]);
    assert.deepEqual([answer.done, answer.failure], [3, null]);
    assert.deepEqual(outputsOf(answer), ["0: a=11", "1: b=1", "2: a=12"]);
    assert.deepEqual(mutationsOf(answer), ["0=12", "1=1"]);
    assert.equal(answer.outputs.timestamps, null);
    assert.equal(
      answer.outputs.headers?.get(1)?.toString("latin1"),
      "\x02\x04id\x22words/words-2@101",
    );
  });

  it("ask for state that did not travel", async () => {
    const { kernel } = await serve();
    kernel.dispatch(1, [
      ["a", "of z"],
      ["a", "of z"],
    ]);
    const question = await kernel.until(kernel.questions, 1);
    assert.equal(question.keys?.bytes.toString(), "z");
    assert.equal(question.dispatchId, 1);
    kernel.application.answerState(kernel.worker, question.requestId, {
      kind: "values",
      values: [int64(40)],
    });
    const answer = await kernel.until(kernel.answers, 1);
    assert.deepEqual(outputsOf(answer), ["0: z=41", "1: z=42"]);
    assert.deepEqual(mutationsOf(answer), ["z=42"]);
  });

  it("end a batch at the record whose handler throws, and keep what came before", async () => {
    const { kernel } = await serve();
    kernel.dispatch(1, [
      ["a", ""],
      ["b", "fail"],
      ["c", ""],
    ]);
    const answer = await kernel.until(kernel.answers, 1);
    assert.equal(answer.done, 1);
    assert.equal(answer.failure?.type, "RangeError");
    assert.equal(answer.failure?.message, "no count for b");
    assert.match(answer.failure?.stack ?? "", /sdk-app/);
    assert.deepEqual(outputsOf(answer), ["0: a=1"]);
    assert.deepEqual(mutationsOf(answer), ["0=1"]);
  });

  it("drop a batch that is revoked while it waits, and go on with the next epoch", async () => {
    const { kernel } = await serve();
    kernel.dispatch(1, [
      ["a", "of z"],
      ["b", ""],
    ]);
    await kernel.until(kernel.questions, 1);
    kernel.application.revoke(kernel.worker, "0_2", 1);
    kernel.dispatch(2, [["c", ""]], { taskEpoch: 2 });
    const answer = await kernel.until(kernel.answers, 1);
    assert.deepEqual([answer.taskEpoch, answer.dispatchId], [2, 2]);
    assert.equal(kernel.handBacks.length, 0);
  });

  it("meet again after the sidecar has gone and come back", async () => {
    const { kernel, app } = await serve();
    const { address } = kernel.application;
    await kernel.close();
    const successor = await listen({ address });
    await successor.welcome();
    successor.dispatch(1, [["a", ""]]);
    assert.deepEqual(outputsOf(await successor.until(successor.answers, 1)), ["0: a=1"]);
    assert.match(app.errors(), /connecting again/);
  });

  it("part in order: on SIGTERM the application hands back what it holds and exits", async () => {
    const { kernel, app } = await serve();
    kernel.dispatch(1, [
      ["a", "of z"],
      ["b", ""],
    ]);
    kernel.dispatch(2, [["c", ""]]);
    const question = await kernel.until(kernel.questions, 1);
    app.process.kill("SIGTERM");
    await kernel.until(kernel.handBacks, 1);
    kernel.application.answerState(kernel.worker, question.requestId, {
      kind: "values",
      values: [null],
    });
    await kernel.until(kernel.handBacks, 2);
    assert.deepEqual(
      kernel.handBacks.map(({ dispatchId }) => dispatchId),
      [2, 1],
    );
    assert.equal(await app.exit, 0, app.errors());
    assert.equal(kernel.answers.length, 0);
    assert.equal((await kernel.until(kernel.gone, 1)).reason, "the worker closed its stream");
  });

  it("tell each other when the application is killed", async () => {
    const { kernel, app } = await serve();
    app.process.kill("SIGKILL");
    assert.equal((await kernel.until(kernel.gone, 1)).worker, kernel.worker);
  });

  it("end for good when the sidecar rejects: run() fails with its code and words", async () => {
    const kernel = await listen();
    const app = startApp({ OUTRIGGER_ADDRESS: kernel.application.address });
    await kernel.until(kernel.workers, 1);
    const error = new OutriggerError(
      "TOPOLOGY_MISMATCH",
      "another worker declared another topology",
    );
    kernel.application.reject(kernel.worker, error);
    assert.equal(await app.exit, 3);
    assert.match(app.errors(), /TOPOLOGY_MISMATCH: another worker declared another topology/);
    await kernel.until(kernel.gone, 1);
  });

  it("meet over loopback only with the right token, which no message repeats", async () => {
    const kernel = await listen({ address: "127.0.0.1:0", token: "s3cret" });
    const { address } = kernel.application;
    const stranger = startApp({ OUTRIGGER_ADDRESS: address, OUTRIGGER_TOKEN: "guess" });
    assert.equal(await stranger.exit, 3);
    assert.match(stranger.errors(), /UNAUTHENTICATED/);
    assert.doesNotMatch(stranger.errors(), /s3cret|guess/);
    startApp({ OUTRIGGER_ADDRESS: address, OUTRIGGER_TOKEN: "s3cret" });
    await kernel.welcome();
    assert.equal(kernel.workers.length, 1);
  });
});

describe("a client that breaks the protocol", () => {
  it("is told what it did wrong, and disturbs nobody else", async () => {
    const { kernel } = await serve();
    const { address } = kernel.application;
    const notHello = toBinary(
      ProcessRequestSchema,
      create(ProcessRequestSchema, { frame: { case: "credit", value: { batches: 1 } } }),
    );
    for (const [bytes, words] of [
      [Buffer.from("this is no protobuf"), /^PROTOCOL_VIOLATION: a frame is no outrigger/],
      [Buffer.alloc(0), /^PROTOCOL_VIOLATION: the first frame is empty/],
      [notHello, /^PROTOCOL_VIOLATION: the first frame is credit; it must be hello/],
      [hello(0), /^PROTOCOL_VERSION: .*version 0, this sidecar 1 to 6/],
    ] as const) {
      assert.match(await new RawClient(address).send(bytes).rejection(), words);
    }
    const oversized = await new RawClient(address).send(Buffer.alloc(2 * MIB)).status;
    assert.equal(oversized.code, grpc.status.RESOURCE_EXHAUSTED);
    assert.equal(kernel.workers.length, 1, "none of them was taken for a worker");
    kernel.dispatch(1, [["a", ""]]);
    assert.deepEqual(outputsOf(await kernel.until(kernel.answers, 1)), ["0: a=1"]);
  });

  it("is forgotten when it breaks it as a worker, in the middle of its batches", async () => {
    const kernel = await listen();
    const client = new RawClient(kernel.application.address).send(hello(1));
    await kernel.until(kernel.workers, 1);
    kernel.application.welcome(kernel.worker, []);
    client.send(Buffer.from([0x12, 0xff, 0xff, 0xff, 0x7f]));
    assert.match(await client.rejection(), /past the end of its message/);
    const { reason } = await kernel.until(kernel.gone, 1);
    assert.match(reason, /PROTOCOL_VIOLATION/);

    const large = new RawClient(kernel.application.address).send(hello(1));
    await kernel.until(kernel.workers, 2);
    large.send(Buffer.alloc(2 * MIB));
    assert.equal((await large.status).code, grpc.status.RESOURCE_EXHAUSTED);
    assert.equal((await kernel.until(kernel.gone, 2)).worker, kernel.worker);
  });
});
