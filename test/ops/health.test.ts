import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import grpc from "@grpc/grpc-js";
import { freePort } from "../support/ports.ts";
import { Scene } from "../support/scene.ts";
import { eventually } from "../support/sidecar-process.ts";
import { answered, ask } from "./http.ts";
import { type Broker, bestBroker } from "./scene.ts";
import { send } from "./traced-records.ts";

/** grpc.health.v1's Check by hand: field 1 is the service asked, field 1 of the answer its status. */
function grpcHealth(address: string, service: string): Promise<string> {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const name = Buffer.from(service);
  const request = Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      "/grpc.health.v1.Health/Check",
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      request,
      { deadline: Date.now() + 2_000 },
      (error, answer) => {
        client.close();
        const status = answer?.at(1);
        resolve(error ? `error ${error.code}` : status === 1 ? "SERVING" : "NOT_SERVING");
      },
    );
  });
}

const PROCESSOR = "outrigger.v1.ProcessorService";

describe("health", () => {
  const kind = bestBroker();
  let broker: Broker;
  before(async () => {
    broker = await kind.start();
  });
  after(() => broker.stop());

  async function scene(name: string, flags: Record<string, string | number> = {}) {
    const http = `127.0.0.1:${await freePort()}`;
    const made = await Scene.make(kind.name, broker, name, { "http.address": http, ...flags });
    return { scene: made, http };
  }

  test("is alive and not ready without an application, ready with one, and says so to gRPC", async () => {
    const { scene: s, http } = await scene("health");
    try {
      s.startSidecar();
      await answered(http, "/readyz", /^503 not ready\n- no application is connected/, s.children);
      assert.equal((await ask(http, "/healthz")).text, "alive\n");
      const { address } = s.settings;
      await eventually("gRPC", async () => (await grpcHealth(address, "")) === "SERVING");
      assert.equal(await grpcHealth(address, PROCESSOR), "NOT_SERVING");

      s.startApplication("test/support/apps/copy.js");
      await answered(http, "/readyz", /^200 ready\n$/, s.children);
      const serving = async () => (await grpcHealth(address, PROCESSOR)) === "SERVING";
      await eventually("gRPC readiness", serving, s.children);
      const json = await ask(http, "/readyz", "application/json");
      assert.equal(json.contentType, "application/json");
      assert.deepEqual(JSON.parse(json.text), { status: "ready", reasons: [] });

      await s.application?.kill();
      const gone = await answered(http, "/readyz", /^503 .*no application/s, s.children);
      assert.equal(gone.contentType, "text/plain; charset=utf-8");
      assert.equal((await ask(http, "/healthz")).status, 200);
      const asJson = JSON.parse((await ask(http, "/readyz", "application/json")).text);
      assert.equal(asJson.status, "not ready");
      assert.match(asJson.reasons[0], /no application is connected/);
    } finally {
      await s.end();
    }
  });

  test("answers only what there is, and only to be read", async () => {
    const { scene: s, http } = await scene("routes");
    try {
      s.startSidecar();
      await answered(http, "/healthz", /^200/, s.children);
      assert.match((await ask(http, "/")).text, /there are \/healthz, \/readyz and \/metrics/);
      assert.equal((await ask(http, "/metrics/../etc")).status, 404);
      const posted = await fetch(`http://${http}/readyz`, { method: "POST", body: "x" });
      assert.equal(posted.status, 405);
      const head = await fetch(`http://${http}/healthz`, { method: "HEAD" });
      assert.deepEqual([head.status, await head.text()], [200, ""]);
    } finally {
      await s.end();
    }
  });

  test("is alive while no broker answers, and says that none does", async () => {
    const { scene: s, http } = await scene("nobroker", {
      "bootstrap.servers": `127.0.0.1:${await freePort()}`,
    });
    try {
      s.startSidecar();
      await answered(
        http,
        "/readyz",
        /^503 .*no broker of bootstrap.servers has answered/s,
        s.children,
      );
      assert.equal((await ask(http, "/healthz")).status, 200);
    } finally {
      await s.end();
    }
  });

  test("survives a broker that goes away, and names it; ready again when it is back", {
    skip: kind.name !== "kafka" && "the embedded broker keeps nothing",
  }, async () => {
    const { startKafka } = await import("../support/kafka-broker.ts");
    const own = await startKafka({});
    const http = `127.0.0.1:${await freePort()}`;
    const flags = { "http.address": http, "request.timeout.ms": 2_000 };
    const s = await Scene.make("kafka", own, "outage", flags);
    try {
      s.startSidecar();
      s.startApplication("test/support/apps/copy.js");
      await answered(http, "/readyz", /^200/, s.children);
      await own.kill();
      await answered(http, "/readyz", /^503 .*no broker has answered for \d+ s: /s, s.children);
      assert.equal((await ask(http, "/healthz")).status, 200);
      assert.ok(s.sidecar?.isRunning);
      await own.restart();
      await answered(http, "/readyz", /^200/, s.children);
      await send(s, { key: "a", value: "1" });
      await s.outputs(1);
    } finally {
      await s.end();
      await own.stop();
    }
  });

  test("names a task that stopped, while others go on", async () => {
    const { scene: s, http } = await scene("stopped", { "retry.max": 0 });
    try {
      s.startSidecar();
      const failures = { OUTRIGGER_TEST_FAILURES: "1000", OTEL_SDK_DISABLED: "true" };
      s.startApplication("test/support/apps/traced.js", failures);
      await answered(http, "/readyz", /^200/, s.children);
      const others = Array.from({ length: 20 }, (_, i) => ({ key: `k${i}`, value: "good" }));
      await send(s, { key: "a", value: "fails for ever" }, ...others);
      const said = /^503 .*task 0_\d is stopped: record stopped-\d-in-\d@0: Error: not today/s;
      await answered(http, "/readyz", said, s.children);
      await s.outputs(1);
      const { text } = await ask(http, "/metrics");
      assert.match(text, /^outrigger_task_failed_total\{reason="HANDLER_FAILED"\} 1$/m);
      assert.match(text, /^kafka_stream_failed_stream_threads 1$/m);
      assert.match(text, /^outrigger_tasks\{state="stopped"\} 1$/m);
    } finally {
      await s.end();
    }
  });

  test("SIGTERM: not ready at once, what the application holds is committed, exit 0", async () => {
    const { scene: s, http } = await scene("drain");
    try {
      const sidecar = s.startSidecar();
      // Answers only when it is let, so that the drain can be looked at while it waits.
      const application = s.startApplication("test/support/apps/slow.js");
      await answered(http, "/readyz", /^200/, s.children);
      await send(s, { key: "a", value: "held" });
      await eventually(
        "the record to be held",
        () => /holds held/.test(application.output),
        s.children,
      );
      sidecar.signal("SIGTERM");
      const draining = await answered(http, "/readyz", /^503/, s.children);
      assert.match(draining.text, /^not ready\n- draining/);
      assert.equal((await ask(http, "/healthz")).status, 200, "a drain is alive");
      assert.equal(await grpcHealth(s.settings.address, ""), "SERVING");
      assert.equal(await grpcHealth(s.settings.address, PROCESSOR), "NOT_SERVING");
      application.signal("SIGUSR2");
      assert.equal(await sidecar.ended(), "0", sidecar.output);
      const [judged] = await s.judge();
      assert.deepEqual(
        judged?.map(({ value }) => String(value)),
        ["held"],
      );
    } finally {
      await s.end();
    }
  });

  test("an address that was asked for must be had; the default one need not", async () => {
    const taken = createServer();
    taken.on("error", () => {});
    taken.listen(9464, "127.0.0.1");
    const { scene: asked } = await scene("asked", { "http.address": "127.0.0.1:9464" });
    const unasked = await Scene.make(kind.name, broker, "unasked");
    try {
      const refused = asked.startSidecar();
      assert.equal(await refused.ended(), "2");
      assert.match(
        refused.output,
        /CONFIG_INVALID: http.address is 127.0.0.1:9464, and it cannot be/,
      );
      const sidecar = unasked.startSidecar();
      await eventually("the start", () => /is listening/.test(sidecar.output), unasked.children);
      assert.match(sidecar.output, /another process has the default port; set http.address/);
      assert.match(sidecar.output, /"http":"off"/);
    } finally {
      taken.close();
      await asked.end();
      await unasked.end();
    }
  });
});
