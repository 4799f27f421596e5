import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { freePort } from "../support/ports.ts";
import { opsPython } from "../support/python.ts";
import { Scene } from "../support/scene.ts";
import { Child, eventually } from "../support/sidecar-process.ts";
import { answered, ask } from "./http.ts";
import { type Broker, bestBroker } from "./scene.ts";
import { send } from "./traced-records.ts";

const MAIN = join(REPOSITORY_ROOT, "dist/src/main.js");

type Line = Readonly<Record<string, unknown>>;

/** Every line of a sidecar's output, each of which must be JSON. */
function linesOf(child: Child): Line[] {
  const lines = child.output.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line));
}

function flagsOf(values: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(values).flatMap(([key, value]) => [`--${key}`, String(value)]);
}

describe("logs of a running sidecar", () => {
  const kind = bestBroker();
  let broker: Broker;
  before(async () => {
    broker = await kind.start();
  });
  after(() => broker.stop());

  test("are JSON; each line of a task names task, partition, epoch and trace", async () => {
    const http = `127.0.0.1:${await freePort()}`;
    const flags = { "http.address": http, "retry.initial.ms": 1, "log.level": "debug" };
    const scene = await Scene.make(kind.name, broker, "lines", flags);
    try {
      // Exported to nobody: the ids are there all the same.
      const traced = { OTEL_TRACES_EXPORTER: "console", OTEL_TRACES_SAMPLER: "always_off" };
      const sidecar = scene.startSidecar({ ...traced, OTEL_METRICS_EXPORTER: "none" });
      const app = { OUTRIGGER_TEST_FAILURES: "2", OTEL_SDK_DISABLED: "true" };
      scene.startApplication("test/support/apps/traced.js", app);
      await answered(http, "/readyz", /^200/, scene.children);
      const traceId = "0af7651916cd43dd8448eb211c80319c";
      const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01` };
      await send(scene, { key: "a", value: "fails", headers });
      await scene.outputs(1);
      assert.equal(await sidecar.stop(), "0");
      const lines = linesOf(sidecar);
      for (const { time, level, msg } of lines) {
        assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
        assert.match(String(level), /^(debug|info|warn|error)$/);
        assert.ok(typeof msg === "string" && msg !== "");
      }
      const ofTasks = lines.filter(({ task }) => task !== undefined);
      const messages = new Set(ofTasks.map(({ msg }) => msg));
      assert.ok(messages.has("task created") && messages.has("a record failed and is tried again"));
      for (const { task, partition, epoch, trace_id, span_id } of ofTasks) {
        assert.equal(task, `0_${partition}`);
        assert.equal(typeof epoch, "number");
        assert.match(String(trace_id), /^[0-9a-f]{32}$/);
        assert.match(String(span_id), /^[0-9a-f]{16}$/);
      }
      const failed = ofTasks.filter(({ msg }) => msg === "a record failed and is tried again");
      assert.deepEqual(
        failed.map(({ trace_id }) => trace_id),
        [traceId, traceId],
      );
    } finally {
      await scene.end();
    }
  });

  test("say what repeats five times, then how often", async () => {
    const flags = { "retry.max": 100, "retry.initial.ms": 1, "retry.max.delay.ms": 1 };
    const scene = await Scene.make(kind.name, broker, "repeats", {
      ...flags,
      "http.address": "off",
    });
    try {
      const sidecar = scene.startSidecar();
      const app = { OUTRIGGER_TEST_FAILURES: "40", OTEL_SDK_DISABLED: "true" };
      scene.startApplication("test/support/apps/traced.js", app);
      await send(scene, { key: "a", value: "fails" });
      await scene.outputs(1);
      assert.equal(await sidecar.stop(), "0");
      const retries = linesOf(sidecar).filter(({ msg }) => /is tried again/.test(String(msg)));
      assert.deepEqual(
        retries.map(({ repeated }) => repeated),
        [undefined, undefined, undefined, undefined, undefined, 35],
      );
    } finally {
      await scene.end();
    }
  });

  test("show no secret, whatever happens: nor do health and metrics", async () => {
    const planted = {
      token: "planted-7f3a-token",
      key: "planted-90bc-key",
      client: "planted-51d2-id",
    };
    const http = `127.0.0.1:${await freePort()}`;
    const scene = await Scene.make(kind.name, broker, "secrets");
    const port = await freePort();
    const file = join(scene.settings.stateDir, "../sidecar.yaml");
    const clientId = join(scene.settings.stateDir, "../client-id");
    writeFileSync(clientId, planted.client);
    // What comes out of a file of its own is a secret, whatever its key is called.
    const text = {
      "server.token": planted.token,
      "client.id": `\${file:${clientId}}`,
      "http.address": http,
      "log.level": "debug",
    };
    writeFileSync(file, JSON.stringify(text));
    const { bootstrapServers, applicationId, stateDir } = scene.settings;
    const address = `127.0.0.1:${port}`;
    const values = {
      "bootstrap.servers": bootstrapServers,
      "application.id": applicationId,
      "state.dir": stateDir,
      "server.address": address,
      "replication.factor": 1,
    };
    const environment = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
      OTEL_EXPORTER_OTLP_HEADERS: `api-key=${planted.key}`,
      OTEL_TRACES_SAMPLER: "always_on",
      OTEL_BSP_SCHEDULE_DELAY: "50",
      OTEL_METRIC_EXPORT_INTERVAL: "200",
    };
    const args = [MAIN, "run", "--config", file, ...flagsOf(values)];
    const sidecar = new Child("sidecar", args, environment);
    const print = new Child("print", [MAIN, "config", "print", ...args.slice(2)], environment);
    // A value that is refused is told in words: not this one.
    const wrong = new Child("wrong", [...args, "--server.tokn", planted.token], environment);
    scene.children.push(sidecar, print, wrong);
    try {
      const start = (token: string): Child => {
        const app = new Child("app", [join(REPOSITORY_ROOT, "dist/test/support/apps/copy.js")], {
          OUTRIGGER_ADDRESS: address,
          OUTRIGGER_TOKEN: token,
          OUTRIGGER_TEST_IN: scene.input,
          OUTRIGGER_TEST_OUT: scene.output,
        });
        scene.children.push(app);
        return app;
      };
      await answered(http, "/readyz", /^503/, scene.children);
      start("another");
      start(planted.token);
      await answered(http, "/readyz", /^200/, scene.children);
      await send(scene, { key: "a", value: "1" });
      await scene.outputs(1);
      const failing = (): boolean => /"msg":"telemetry"/.test(sidecar.output);
      await eventually("an export to fail", failing, scene.children);
      const shown = [await ask(http, "/metrics"), await ask(http, "/readyz")];
      await print.ended();
      assert.equal(await wrong.ended(), "2");
      assert.equal(await sidecar.stop(), "0", sidecar.output);
      assert.match(print.output, /server\.token +\*\*\*/);
      assert.match(print.output, /client\.id +\*\*\*/);
      const all = [...scene.children.map(({ output }) => output), ...shown.map(({ text }) => text)];
      for (const text of all) assert.ok(!text.includes("planted-"), text);
    } finally {
      await scene.end();
    }
  });

  const python = opsPython();
  test("are lines for a person on a terminal", { skip: python === null }, async () => {
    const scene = await Scene.make(kind.name, broker, "terminal");
    const { bootstrapServers, applicationId, stateDir, address } = scene.settings;
    const flags = flagsOf({
      "bootstrap.servers": bootstrapServers,
      "application.id": applicationId,
      "state.dir": stateDir,
      "server.address": address,
      "http.address": "off",
    });
    const command = JSON.stringify([process.execPath, MAIN, "run", ...flags]);
    const script = `import json, pty, sys\npty.spawn(json.loads(sys.argv[1]))`;
    const child = new Child("terminal", ["-c", script, command], { NO_COLOR: "" }, python);
    try {
      const line = /^\d\d:\d\d:\d\d\.\d{3} INFO {2}outrigger is listening {2}address=unix:/m;
      const plain = (): string => stripVTControlCharacters(child.output);
      await eventually("a readable line", () => line.test(plain()), [child], 20_000);
      assert.ok(child.output.includes("\u001b[32mINFO"), "it has colours");
      assert.ok(!child.output.includes('{"'), "nothing is JSON");
    } finally {
      await child.kill();
      await scene.end();
    }
  });
});
