import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { context, propagation, ROOT_CONTEXT, SpanKind, trace } from "@opentelemetry/api";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { opsPython, PYTHON_SDK } from "../support/python.ts";
import { Scene } from "../support/scene.ts";
import { Child, eventually } from "../support/sidecar-process.ts";
import { OtlpReceiver, type Span } from "./otlp.ts";
import { type Broker, bestBroker } from "./scene.ts";
import { consumeOne, type Sent, send } from "./traced-records.ts";

const python = opsPython();
const UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

/** Makes a process say at its end how many of OpenTelemetry's modules it loaded. */
const TELLS_MODULES = `--import=data:text/javascript,${encodeURIComponent(
  'import { createRequire } from "node:module"; const { cache } = createRequire("/x/");' +
    'process.on("exit", () => { const names = Object.keys(cache).filter((name) => ' +
    'name.includes("@opentelemetry")); process.stderr.write(names.length + " modules of ' +
    'OpenTelemetry\\n"); });',
)}`;

/** Spans leave their processes as soon as they end. */
const AT_ONCE = { OTEL_BSP_SCHEDULE_DELAY: "20", OTEL_METRICS_EXPORTER: "none" };

describe("a traced record", { skip: python === null }, () => {
  const kind = bestBroker();
  let broker: Broker;
  let receiver: OtlpReceiver;
  let sdk: NodeSDK;
  before(async () => {
    broker = await kind.start();
    receiver = await OtlpReceiver.start(python ?? "");
    // The test is the producer and the consumer at the ends, traced by OpenTelemetry themselves.
    Object.assign(process.env, AT_ONCE, {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      OTEL_LOGS_EXPORTER: "none",
    });
    sdk = new NodeSDK({ autoDetectResources: false, serviceName: "ends" });
    sdk.start();
  });
  after(async () => {
    await sdk.shutdown();
    await receiver.process.kill();
    await broker.stop();
  });

  /** Sends, and receives what came of it, each in a span; returns both ends' headers. */
  async function throughAll(
    scene: Scene,
    record: Sent,
  ): Promise<{ sent: string; received: string }> {
    const tracer = trace.getTracer("ends");
    const producing = tracer.startSpan("produce", { kind: SpanKind.PRODUCER });
    const carried: Record<string, string> = {};
    propagation.inject(trace.setSpan(ROOT_CONTEXT, producing), carried);
    await send(scene, { ...record, headers: { ...carried, ...record.headers } });
    producing.end();
    const { headers } = await consumeOne(scene, record.value);
    const extracted = propagation.extract(ROOT_CONTEXT, headers);
    context.with(extracted, () => tracer.startSpan("consume", { kind: SpanKind.CONSUMER }).end());
    return { sent: carried["traceparent"] ?? "", received: headers["traceparent"] ?? "" };
  }

  function of(traceparent: string): readonly Span[] {
    return receiver.spans.filter((span) => span.trace === traceparent.slice(3, 35));
  }

  async function tree(scene: Scene, traceparent: string, count: number): Promise<string[]> {
    const whole = (): boolean => of(traceparent).length >= count;
    await eventually(`${count} spans`, whole, [...scene.children, receiver.process]);
    const spans = of(traceparent);
    const named = (span: Span | undefined): string => {
      return span === undefined ? "-" : `${span.service}: ${span.name}`;
    };
    return spans
      .map((span) => {
        const parent = spans.find((each) => each.span === span.parent);
        return `${named(parent)} > ${named(span)}`;
      })
      .sort();
  }

  function startSidecar(scene: Scene, over: Record<string, string> = {}): void {
    const names = { OTEL_SERVICE_NAME: "sidecar", OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint };
    scene.startSidecar({ ...AT_ONCE, ...names, ...over });
  }

  const appEnvironment = () => ({
    ...AT_ONCE,
    OTEL_SERVICE_NAME: "app",
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
  });

  const expectedTree = (scene: Scene): string[] =>
    [
      "- > ends: produce",
      `ends: produce > sidecar: process ${scene.input}`,
      `sidecar: process ${scene.input} > app: handle`,
      `sidecar: process ${scene.input} > sidecar: commit ${scene.input}`,
      "app: handle > ends: consume",
    ].sort();

  test("is one trace from producer to consumer, by the sidecar and a TypeScript application", async () => {
    const scene = await Scene.make(kind.name, broker, "traced-ts", { "http.address": "off" });
    try {
      startSidecar(scene, { OTEL_TRACES_SAMPLER: "parentbased_always_on" });
      scene.startApplication("test/support/apps/traced.js", appEnvironment());
      const { sent, received } = await throughAll(scene, { key: "a", value: "one" });
      assert.deepEqual(await tree(scene, sent, 5), expectedTree(scene));
      assert.equal(received.slice(0, 35), sent.slice(0, 35));
      assertConventions(scene, of(sent));
      await assertBatchSpans(scene, of(sent));
    } finally {
      await scene.end();
    }
  });

  test("is one trace through a Python application, whatever the sampler says of our own roots", async () => {
    const scene = await Scene.make(kind.name, broker, "traced-py", { "http.address": "off" });
    try {
      startSidecar(scene, { OTEL_TRACES_SAMPLER: "parentbased_always_off" });
      const app = new Child(
        "traced_app.py",
        [join(REPOSITORY_ROOT, "test/ops/traced_app.py")],
        {
          ...appEnvironment(),
          PYTHONPATH: PYTHON_SDK,
          OUTRIGGER_ADDRESS: scene.settings.address,
          OUTRIGGER_TEST_IN: scene.input,
          OUTRIGGER_TEST_OUT: scene.output,
        },
        python,
      );
      scene.children.push(app);
      const { sent } = await throughAll(scene, { key: "a", value: "one" });
      assert.deepEqual(await tree(scene, sent, 5), expectedTree(scene));
      const mine = receiver.spans.filter(({ service, name }) => {
        return service === "sidecar" && name.endsWith(scene.input);
      });
      assert.ok(
        mine.every((span) => span.trace === sent.slice(3, 35)),
        "no roots of our own",
      );
    } finally {
      await scene.end();
    }
  });

  test("is the same trace when the sidecar exports over gRPC", async () => {
    const scene = await Scene.make(kind.name, broker, "traced-grpc", { "http.address": "off" });
    try {
      startSidecar(scene, {
        OTEL_TRACES_SAMPLER: "parentbased_always_on",
        OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.grpcEndpoint,
      });
      scene.startApplication("test/support/apps/traced.js", appEnvironment());
      const { sent } = await throughAll(scene, { key: "a", value: "one" });
      assert.deepEqual(await tree(scene, sent, 5), expectedTree(scene));
    } finally {
      await scene.end();
    }
  });

  test("is none of the sidecar's where OTEL_PROPAGATORS says so, and passes through", async () => {
    const scene = await Scene.make(kind.name, broker, "unpropagated", { "http.address": "off" });
    try {
      startSidecar(scene, { OTEL_TRACES_SAMPLER: "always_on", OTEL_PROPAGATORS: "b3" });
      scene.startApplication("test/support/apps/copy.js");
      const { sent, received } = await throughAll(scene, { key: "a", value: "one" });
      assert.equal(received, sent);
      assert.deepEqual(await tree(scene, sent, 2), [
        "- > ends: produce",
        "ends: produce > ends: consume",
      ]);
      assert.match(scene.sidecar?.output ?? "", /OTEL_PROPAGATORS names b3/);
    } finally {
      await scene.end();
    }
  });

  test("keeps its context through an application that does not trace", async () => {
    const scene = await Scene.make(kind.name, broker, "untraced", { "http.address": "off" });
    try {
      startSidecar(scene);
      scene.startApplication("test/support/apps/copy.js");
      const state = { tracestate: "vendor=value" };
      const { sent, received } = await throughAll(scene, {
        key: "a",
        value: "one",
        headers: state,
      });
      const edges = await tree(scene, sent, 4);
      assert.ok(edges.includes(`sidecar: process ${scene.input} > ends: consume`), String(edges));
      const span = of(sent).find(({ name }) => name === `process ${scene.input}`);
      assert.equal(received, `00-${sent.slice(3, 35)}-${span?.span}-01`);
      assert.equal(span?.state, "vendor=value");
    } finally {
      await scene.end();
    }
  });

  test("that its producer did not sample passes through as it is, and makes no span", async () => {
    const scene = await Scene.make(kind.name, broker, "unsampled", { "http.address": "off" });
    try {
      startSidecar(scene, { OTEL_TRACES_SAMPLER: "parentbased_always_on" });
      scene.startApplication("test/support/apps/copy.js");
      await send(scene, { key: "a", value: "one", headers: { traceparent: UNSAMPLED } });
      const { headers } = await consumeOne(scene, "one");
      assert.equal(headers["traceparent"], UNSAMPLED);
      const batch = (): Span | undefined =>
        receiver.spans.find(({ name }) => name === `process ${scene.input}`);
      await eventually("the batch's span", () => batch() !== undefined, scene.children);
      assert.equal(batch()?.attributes["outrigger.batch.sampled"], 0);
      assert.deepEqual(of(UNSAMPLED), []);
    } finally {
      await scene.end();
    }
  });

  test("that fails and is tried again has a span for each try, below its producer's", async () => {
    const flags = { "http.address": "off", "retry.initial.ms": 1 };
    const scene = await Scene.make(kind.name, broker, "retried", flags);
    try {
      startSidecar(scene);
      const failures = { OUTRIGGER_TEST_FAILURES: "2" };
      scene.startApplication("test/support/apps/traced.js", { ...appEnvironment(), ...failures });
      const { sent } = await throughAll(scene, { key: "a", value: "fails" });
      await tree(scene, sent, 9);
      const tries = of(sent).filter(({ name }) => name === `process ${scene.input}`);
      const producer = sent.slice(36, 52);
      assert.deepEqual(
        tries.map(({ parent, status, attributes }) => [parent, status, attributes["error.type"]]),
        [
          [producer, 2, "HANDLER_FAILED"],
          [producer, 2, "HANDLER_FAILED"],
          [producer, 0, undefined],
        ],
      );
      const line = scene.sidecar?.output.split("\n").find((each) => /tried again/.test(each)) ?? "";
      const { task, epoch, trace_id, span_id } = JSON.parse(line);
      assert.match(task, /^0_\d$/);
      assert.equal(typeof epoch, "number");
      assert.deepEqual([trace_id, span_id], [tries[0]?.trace, tries[0]?.span]);
    } finally {
      await scene.end();
    }
  });

  test("is not traced at all, and the SDK not loaded, without OpenTelemetry's variables", async () => {
    const scene = await Scene.make(kind.name, broker, "off", { "http.address": "off" });
    try {
      const none = { OTEL_EXPORTER_OTLP_ENDPOINT: "", OTEL_METRICS_EXPORTER: "" };
      scene.startSidecar({ ...none, NODE_OPTIONS: TELLS_MODULES });
      scene.startApplication("test/support/apps/copy.js");
      const { sent, received } = await throughAll(scene, { key: "a", value: "one" });
      assert.equal(received, sent);
      await scene.sidecar?.stop();
      assert.match(scene.sidecar?.output ?? "", /^0 modules of OpenTelemetry$/m);
      startSidecar(scene, { NODE_OPTIONS: TELLS_MODULES });
      const listens = (): boolean => /is listening/.test(scene.sidecar?.output ?? "");
      await eventually("the traced sidecar", listens, scene.children);
      await scene.sidecar?.stop();
      assert.match(scene.sidecar?.output ?? "", /^[1-9]\d* modules of OpenTelemetry$/m);
    } finally {
      await scene.end();
    }
  });

  test("of a store that was lost is followed by a restore span", async () => {
    const scene = await Scene.make(kind.name, broker, "restored", { "http.address": "off" });
    try {
      const always = { OTEL_TRACES_SAMPLER: "parentbased_always_on" };
      startSidecar(scene, always);
      scene.startApplication("test/support/apps/counter.js");
      await send(scene, { key: "a", value: "one" });
      await scene.outputs(1);
      await scene.sidecar?.stop();
      scene.wipeState();
      startSidecar(scene, always);
      const restored = (): Span | undefined =>
        receiver.spans.find(({ name, attributes }) => {
          return name.startsWith("restore ") && attributes["outrigger.restore.records"] !== 0;
        });
      // The takeover ends after the restore, and may be exported after it.
      const above = (): Span | undefined =>
        receiver.spans.find(({ span }) => span === restored()?.parent);
      await eventually("the restore span and its parent", () => above() !== undefined, [
        ...scene.children,
      ]);
      const span = restored() ?? assert.fail();
      const parent = above();
      assert.equal(parent?.name, `takeover ${parent?.attributes["outrigger.task"]}`);
      assert.match(String(span.attributes["messaging.destination.name"]), /-changelog$/);
      const line = scene.sidecar?.output
        .split("\n")
        .findLast((each) => /store restored/.test(each));
      assert.ok(JSON.parse(line ?? "{}").trace_id.length === 32);
    } finally {
      await scene.end();
    }
  });

  function assertConventions(scene: Scene, spans: readonly Span[]): void {
    const process = spans.find(({ name }) => name === `process ${scene.input}`) ?? assert.fail();
    assert.equal(process.spanKind, 5);
    assert.equal(process.scope, "outrigger");
    assert.match(process.schema, /^https:\/\/opentelemetry\.io\/schemas\//);
    const { "messaging.destination.partition.id": partition, ...attributes } = process.attributes;
    assert.match(String(partition), /^[0-3]$/);
    assert.deepEqual(attributes, {
      "messaging.system": "kafka",
      "messaging.operation.name": "process",
      "messaging.destination.name": scene.input,
      "messaging.kafka.offset": 0,
    });
    const commit = spans.find(({ name }) => name === `commit ${scene.input}`) ?? assert.fail();
    assert.equal(commit.spanKind, 3);
    assert.equal(commit.attributes["outrigger.transaction.outcome"], "committed");
  }

  /** Batch and transaction have spans of their own, with links to the record's. */
  async function assertBatchSpans(scene: Scene, spans: readonly Span[]): Promise<void> {
    const producer = spans.find(({ name }) => name === "produce") ?? assert.fail();
    const process = spans.find(({ name }) => name === `process ${scene.input}`) ?? assert.fail();
    const own = (name: string, link: Span) => (): Span | undefined =>
      receiver.spans.find((span) => {
        const isLinked = span.links.some(([, id]) => id === link.span);
        return span.trace !== link.trace && span.name === name && isLinked;
      });
    const found: Record<string, Span> = {};
    for (const [name, link] of [
      [`poll ${scene.input}`, producer],
      [`process ${scene.input}`, producer],
      [`commit ${scene.settings.applicationId}`, process],
    ] as const) {
      const span = own(name, link);
      await eventually(`the root ${name}`, () => span() !== undefined, scene.children);
      found[name] = span() ?? assert.fail();
      assert.equal(found[name]?.parent, "");
    }
    const batch = found[`process ${scene.input}`];
    assert.deepEqual(batch?.events, ["dispatched"]);
    assert.equal(batch?.attributes["messaging.operation.type"], "process");
    const { applicationId } = scene.settings;
    assert.equal(batch?.attributes["messaging.consumer.group.name"], applicationId);
    assert.equal(batch?.attributes["messaging.client.id"], applicationId);
    assert.equal(batch?.attributes["messaging.batch.message_count"], 1);
    assert.deepEqual(process.links, [[batch?.trace, batch?.span]]);
    const transaction = found[`commit ${scene.settings.applicationId}`];
    assert.equal(transaction?.attributes["messaging.operation.type"], "settle");
    const sent = (): Span | undefined =>
      receiver.spans.find(({ name, parent }) => {
        return name === `send ${scene.output}` && parent === transaction?.span;
      });
    await eventually("the send span", () => sent() !== undefined, scene.children);
    assert.equal(sent()?.attributes["messaging.operation.type"], "send");
    assert.equal(sent()?.attributes["messaging.batch.message_count"], 1);
  }
});
