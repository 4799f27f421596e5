import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Supervisor } from "../../../src/cli/supervisor.ts";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import type { Log } from "../../../src/ports/log.ts";
import { until } from "./until.ts";

let directory = "";
before(() => {
  directory = mkdtempSync(join(tmpdir(), "supervisor-"));
});
after(() => rmSync(directory, { recursive: true, force: true }));

const restart = { firstMs: 1, lastMs: 4, steadyAfterMs: 60_000 };

function collectingLog(lines: string[]): Log {
  const collect = (message: string, fields = {}) => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  return { debug: collect, info: collect, warn: collect, error: collect };
}

/** An application that writes its address to a file, and then does what `then` says. */
function application(name: string, then: string): { file: string; command: string[] } {
  const file = join(directory, name);
  const line = `process.env.OUTRIGGER_ADDRESS + "\\n"`;
  const write = `require("fs").appendFileSync(${JSON.stringify(file)}, ${line});`;
  return { file, command: [process.execPath, "-e", write + then] };
}

function text(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

describe("a supervised application", () => {
  const env = { ...process.env, OUTRIGGER_ADDRESS: "unix:/x" };

  it("is started with its environment, and again whenever it ends, pauses growing", async () => {
    const lines: string[] = [];
    const { file, command } = application("dies", "process.exit(3)");
    const supervisor = new Supervisor({ command, env, log: collectingLog(lines), restart });
    supervisor.start();
    // One that fails must not leave it starting applications for ever.
    await until(() => text(file).split("\n").length > 4).finally(() => supervisor.stop());
    assert.match(text(file), /^(unix:\/x\n)+$/);
    assert.match(lines[0] ?? "", /started again \{"exitCode":3,"pauseMs":1\}$/);
    assert.match(lines[1] ?? "", /"pauseMs":2/);
    assert.match(lines[2] ?? "", /"pauseMs":4/);
  });

  it("that is killed comes back", async () => {
    const lines: string[] = [];
    const { file, command } = application("killed", "setInterval(() => {}, 1000)");
    const supervisor = new Supervisor({ command, env, log: collectingLog(lines), restart });
    supervisor.start();
    await until(() => text(file) !== "");
    process.kill(supervisor.pid ?? 0, "SIGKILL");
    await until(() => supervisor.starts === 2 && text(file).split("\n").length === 3);
    await supervisor.stop();
    assert.match(lines[0] ?? "", /"signal":"SIGKILL"/);
    assert.equal(supervisor.pid, undefined);
  });

  it("is asked to end by SIGTERM, and stays ended", async () => {
    const { file, command } = application(
      "polite",
      `process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1000)`,
    );
    const supervisor = new Supervisor({ command, env, log: collectingLog([]), restart });
    supervisor.start();
    await until(() => text(file) !== "");
    await supervisor.stop();
    assert.equal(supervisor.starts, 1);
  });

  it("that does not end when asked is killed", async () => {
    const { file, command } = application(
      "deaf",
      `process.on("SIGTERM", () => {});
       require("fs").appendFileSync(process.argv[1], "deaf\\n"); setInterval(() => {}, 1000)`,
    );
    const options = { command: [...command, join(directory, "deaf")], env, log: collectingLog([]) };
    const supervisor = new Supervisor({ ...options, restart, stopTimeoutMs: 50 });
    supervisor.start();
    await until(() => text(file).includes("deaf\n"));
    await supervisor.stop();
    assert.equal(supervisor.pid, undefined);
  });

  it("is not started again once held", async () => {
    const { file, command } = application("held", "setInterval(() => {}, 1000)");
    const lines: string[] = [];
    const supervisor = new Supervisor({ command, env, log: collectingLog(lines), restart });
    supervisor.start();
    await until(() => text(file) !== "");
    supervisor.hold();
    process.kill(supervisor.pid ?? 0, "SIGKILL");
    await until(() => supervisor.pid === undefined);
    await supervisor.stop();
    assert.equal(supervisor.starts, 1);
    assert.deepEqual(lines, []);
  });

  it("that cannot be found is an error that names it", async () => {
    const command = ["no-such-program-anywhere"];
    const supervisor = new Supervisor({ command, env, log: collectingLog([]), restart });
    supervisor.start();
    await assert.rejects(
      supervisor.failed,
      (error) => error instanceof OutriggerError && /no-such-program-anywhere/.test(error.message),
    );
    await supervisor.stop();
  });
});
