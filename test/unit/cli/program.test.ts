import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { CheckRefused } from "../../../src/checks/finding.ts";
import { EXIT, errorText, exitCodeOf, exitCodeOfSignal } from "../../../src/cli/exit-codes.ts";
import { runCli } from "../../../src/cli/program.ts";
import { configKeys } from "../../../src/config/schema.ts";
import { InvariantError } from "../../../src/errors/invariant.ts";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";

interface Ran {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

async function run(argv: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const exitCode = await runCli(argv, {
    env,
    say: (text) => {
      out.push(text);
    },
    complain: (text) => {
      err.push(text);
    },
    isTerminal: false,
  });
  return { exitCode, out: out.join(""), err: err.join("") };
}

let directory = "";
before(() => {
  directory = mkdtempSync(join(tmpdir(), "cli-"));
});
after(() => rmSync(directory, { recursive: true, force: true }));

describe("help", () => {
  it("explains the commands, with examples and exit codes", async () => {
    const { exitCode, out } = await run(["--help"]);
    assert.equal(exitCode, 0);
    for (const said of [
      "run",
      "dev",
      "check",
      "config",
      "Examples:",
      "Exit codes:",
      "OUTRIGGER_",
    ]) {
      assert.ok(out.includes(said), said);
    }
  });

  it("of a command that takes settings lists every one, wherever it stands", async () => {
    for (const asked of [
      "run --help",
      "help run",
      "dlq list --help",
      "dlq help show",
      "config print -h",
    ]) {
      const { exitCode, out } = await run(asked.split(" "));
      assert.equal(exitCode, 0, asked);
      for (const key of configKeys) assert.ok(out.includes(`--${key} <value>`), `${asked}: ${key}`);
    }
  });

  it("is what comes without a command, and counts as wrong usage", async () => {
    const { exitCode, err } = await run([]);
    assert.equal(exitCode, EXIT.usage);
    assert.match(err, /^Usage: outrigger/);
  });

  it("tells the version", async () => {
    const { exitCode, out } = await run(["--version"]);
    assert.equal(exitCode, 0);
    assert.match(out, /^\d+\.\d+\.\d+\n$/);
  });
});

describe("a wrong command line", () => {
  it("is answered with the nearest flag and exit code 2", async () => {
    const { exitCode, err } = await run(["run", "--comit.interval.ms", "3"]);
    assert.equal(exitCode, EXIT.usage);
    assert.match(err, /Did you mean --commit.interval.ms\?/);
  });

  it("with a command that does not exist too", async () => {
    const { exitCode, err } = await run(["rnu"]);
    assert.equal(exitCode, EXIT.usage);
    assert.match(err, /rnu/);
  });
});

describe("a wrong port of the embedded broker", () => {
  it("ends dev before anything starts", async () => {
    const { exitCode, err } = await run(["dev", "--broker-port", "kafka"]);
    assert.equal(exitCode, EXIT.usage);
    assert.match(err, /--broker-port is kafka: it must be a port between 0 and 65535/);
  });
});

describe("a wrong configuration", () => {
  it("ends run before anything starts, with all faults, the page and exit code 2", async () => {
    const { exitCode, err } = await run(["run", "--retry.max", "x"]);
    assert.equal(exitCode, EXIT.usage);
    assert.match(err, /^outrigger: CONFIG_INVALID: the configuration has 3 faults:/);
    assert.match(err, /application.id is required/);
    assert.match(err, /retry.max is x \(flag --retry.max\)/);
    assert.match(err, /what to do: Set what is said.* See docs\/errors\/CONFIG_INVALID.md/);
  });
});

describe("config print", () => {
  const required = ["--application.id", "app", "--bootstrap.servers", "a:1"];

  it("prints every value with its source", async () => {
    const path = join(directory, "app.yaml");
    writeFileSync(path, "retry.max: 3\ncommit.interval.ms: 20\n");
    const argv = ["config", "print", ...required, "--commit.interval.ms", "30"];
    const env = { OUTRIGGER_CONFIG: path, OUTRIGGER_LOG_LEVEL: "warn" };
    const { exitCode, out } = await run(argv, env);
    assert.equal(exitCode, 0);
    assert.match(out, /^application.id +app +flag --application.id$/m);
    assert.match(out, /^commit.interval.ms +30 +flag --commit.interval.ms$/m);
    assert.match(out, /^retry.max +3 +\S*app.yaml:1:1$/m);
    assert.match(out, /^log.level +warn +environment OUTRIGGER_LOG_LEVEL$/m);
    assert.match(out, /^replication.factor +3 +default$/m);
  });

  it("prints JSON for scripts", async () => {
    const { out } = await run(["config", "print", "--json", ...required]);
    const rows: { key: string; value: string; source: string }[] = JSON.parse(out);
    assert.deepEqual(
      rows.map(({ key }) => key),
      [...configKeys],
    );
  });
});

describe("an exit code", () => {
  it("tells configuration, failure and bug apart", () => {
    assert.equal(exitCodeOf(new OutriggerError("CONFIG_INVALID", "x")), 2);
    assert.equal(exitCodeOf(new OutriggerError("TOPIC_MISSING", "x")), 1);
    assert.equal(exitCodeOf(new CheckRefused("TOPIC_MISSING", "x")), 2);
    assert.equal(exitCodeOf(new InvariantError("x")), 70);
    assert.equal(exitCodeOf(new TypeError("x")), 70);
  });

  it("of a signal is the shell's", () => {
    assert.deepEqual(
      (["SIGHUP", "SIGINT", "SIGTERM"] as const).map(exitCodeOfSignal),
      [129, 130, 143],
    );
  });

  it("comes with the causes and the page", () => {
    const cause = new Error("connect ECONNREFUSED");
    const error = new OutriggerError("BROKER_UNAVAILABLE", "no broker answers", { cause });
    assert.equal(
      errorText(error),
      "outrigger: BROKER_UNAVAILABLE: no broker answers\n" +
        "  caused by: connect ECONNREFUSED\n" +
        "  what to do: Nothing, if it passes; else check bootstrap.servers, the network and the " +
        "brokers. See docs/errors/BROKER_UNAVAILABLE.md\n",
    );
  });
});
