import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startDevBroker } from "@outrigger/dev-broker";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { Child, eventually } from "../support/sidecar-process.ts";
import { kafkaAt, makeTopics, produce, watch } from "../support/topics.ts";

const MAIN = join(REPOSITORY_ROOT, "dist/src/main.js");
const COPY = join(REPOSITORY_ROOT, "dist/test/support/apps/copy.js");
// Within the repository, so that the application finds the SDK as a user's would.
mkdirSync(join(REPOSITORY_ROOT, "dist/test"), { recursive: true });
const folder = mkdtempSync(join(REPOSITORY_ROOT, "dist/test/readme-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The application that the README shows, in a file of its own. */
function readmeApplication(): string {
  const readme = readFileSync(join(REPOSITORY_ROOT, "README.md"), "utf8");
  const code = /```ts\n(?<code>[\s\S]*?)```/.exec(readme)?.groups?.["code"];
  assert.ok(code !== undefined, "the README has no application");
  const file = join(folder, "app.ts");
  // Tells its process id besides, so that the test can kill it.
  writeFileSync(file, `console.log(\`[\${process.pid}]\`);\n${code}`);
  return file;
}

function isListening(address: string): Promise<boolean> {
  const [host = "", port] = address.split(":");
  return new Promise((resolve) => {
    const socket = connect(Number(port), host, () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("outrigger dev runs the README's application; killed, it comes back; Ctrl-C ends all", async () => {
  const command = [process.execPath, "--import", "tsx", readmeApplication()];
  const dev = new Child("dev", [MAIN, "dev", "--", ...command], {});
  const started = (): number[] =>
    [...dev.output.matchAll(/^\[(\d+)\]$/gm)].map(([, p]) => Number(p));
  await eventually("the application to start", () => started().length === 1, [dev]);
  const bootstrapServers = /bootstrap\.servers=(\S+)/.exec(dev.output)?.[1] ?? "";
  const kafka = kafkaAt(bootstrapServers);
  const made = (): boolean => /topic departures did not exist/.test(dev.output);
  await eventually("missing topics to be made", made, [dev]);

  const flight = (key: string, minute: number) => ({
    key,
    value: JSON.stringify({ delay: 3 }),
    timestamp: Date.parse("2001-01-01T00:00:00Z") + minute * 60_000,
  });
  const departures = await watch(kafka, "departures");
  const said = (): string[] =>
    departures.records.map(({ key, value }) => `${key}: ${value}`).sort();
  await produce(kafka, "flights", [flight("ABQ", 0), flight("ABQ", 4), flight("ABQ", 5)]);
  await eventually("three departures", () => said().length === 3, [dev]);

  const [first = 0] = started();
  process.kill(first, "SIGKILL");
  await produce(kafka, "flights", [flight("ABQ", 6)]);
  await eventually("the application to be started again", () => started().length === 2, [dev]);
  await eventually("one more departure", () => said().length === 4, [dev]);
  await departures.stop();
  assert.deepEqual(said(), [
    "ABQ: 1 departures since 2001-01-01T00:00:00.000Z",
    "ABQ: 1 departures since 2001-01-01T00:05:00.000Z",
    "ABQ: 2 departures since 2001-01-01T00:00:00.000Z",
    "ABQ: 2 departures since 2001-01-01T00:05:00.000Z",
  ]);

  const beganAt = performance.now();
  assert.equal(await dev.interrupt(), "130", dev.output);
  assert.ok(performance.now() - beganAt < 10_000, dev.output);
  assert.equal(await isListening(bootstrapServers), false, "the broker is left");
  for (const pid of started()) assert.equal(isAlive(pid), false, `application ${pid} is left`);
});

test("npm run dev builds and serves on the port that was asked for", async () => {
  const { scripts } = JSON.parse(readFileSync(join(REPOSITORY_ROOT, "package.json"), "utf8"));
  const [node, ...script] = scripts.dev.split(" ");
  assert.equal(node, "node");
  const address = "127.0.0.1:19192";
  const args = ["--broker-port", "19192", "--", process.execPath, COPY];
  const dev = new Child("npm run dev", [...script, ...args], {});
  const made = (): boolean => /topic out did not exist/.test(dev.output);
  await eventually("the topic", made, [dev], 120_000);
  assert.ok(await isListening(address));
  await dev.interrupt();
  await eventually("the broker to be gone", async () => !(await isListening(address)), [dev]);
});

test("outrigger run names a missing topic, and goes on when it was made; over TCP with a token", async () => {
  const state = mkdtempSync(join(tmpdir(), "outrigger-run-"));
  const broker = await startDevBroker();
  const values = {
    "bootstrap.servers": broker.bootstrapServers,
    "application.id": "run",
    "state.dir": state,
    "server.address": "127.0.0.1:0",
    "replication.factor": 1,
  };
  const flags = Object.entries(values).flatMap(([key, value]) => [`--${key}`, String(value)]);
  const run = new Child("run", [MAIN, "run", ...flags, "--", process.execPath, COPY], {
    OUTRIGGER_TEST_IN: "orders",
    OUTRIGGER_TEST_OUT: "copies",
  });
  try {
    const refused = (): boolean =>
      /TOPIC_MISSING: 2 things forbid/.test(run.output) &&
      /topic orders does not exist, and the topology reads it/.test(run.output);
    await eventually("the missing topic to be named", refused, [run]);
    const kafka = kafkaAt(broker.bootstrapServers);
    await makeTopics(kafka, ["orders", "copies"]);
    await produce(kafka, "orders", [{ key: "a", value: "1" }]);
    const copies = await watch(kafka, "copies");
    await eventually("a copy", () => copies.records.length === 1, [run]);
    await copies.stop();
    assert.equal(await run.stop(), "0", run.output);
  } finally {
    await run.kill();
    await broker.stop();
    rmSync(state, { recursive: true, force: true });
  }
});

test("a program that cannot be started ends the command, with its name", async () => {
  const dev = new Child("dev", [MAIN, "dev", "--", "no-such-program"], {});
  assert.equal(await dev.ended(), "2", dev.output);
  assert.match(dev.output, /CONFIG_INVALID: the application "no-such-program" cannot be started/);
});
