import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { environmentName, keyReferences } from "../../src/config/reference.ts";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";

const MAIN = join(REPOSITORY_ROOT, "dist/src/main.js");
const folder = mkdtempSync(join(tmpdir(), "outrigger-config-"));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function outrigger(args: readonly string[], env: Record<string, string> = {}): Ran {
  const options = { encoding: "utf8", env: { PATH: process.env["PATH"], ...env } } as const;
  return spawnSync(process.execPath, [MAIN, ...args], options);
}

function file(name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

describe("the sidecar's command line", () => {
  test("tells all faults at once, each with file, line and the nearest key, and exit code 2", () => {
    const path = file("faulty.yaml", [
      "application.id: shop",
      "bootstrap.servers: 127.0.0.1:1",
      "comit.interval.ms: 5",
      "retry.max: many",
      "consumer.isolation.level: read_uncommitted",
      "producer.acks: 1",
      "processing.guarantee: at_least_once",
      "transaction.timeout.ms: 50",
    ]);
    for (const command of ["run", "check"]) {
      const { status, stdout, stderr } = outrigger([command, "--config", path]);
      const said = stdout + stderr;
      assert.equal(status, 2, said);
      const place = (line: number): string => `(${path}:${line}:1)`;
      assert.ok(said.includes(`comit.interval.ms ${place(3)} is not known: did you mean commit.`));
      assert.ok(said.includes(`retry.max is many ${place(4)}: it must be an integer`));
      assert.ok(
        said.includes(`consumer.isolation.level ${place(5)} cannot be set: only committed`),
      );
      assert.ok(said.includes(`producer.acks ${place(6)} cannot be set: every write waits`));
      assert.ok(
        said.includes(`processing.guarantee is at_least_once ${place(7)}: exactly_once_v2`),
      );
      assert.ok(said.includes(`transaction.timeout.ms is 50 ${place(8)}: it must be an integer`));
    }
  });

  test("refuses what exactly-once owns in every place and under every prefix", () => {
    const refused = [
      "isolation.level=read_uncommitted",
      "main.consumer.enable.auto.commit=true",
      "producer.acks=1",
      "producer.enable.idempotence=false",
      "producer.transactional.id=mine",
      "producer.max.in.flight.requests.per.connection=10",
      "consumer.group.id=other",
      "restore.consumer.isolation.level=read_uncommitted",
      "producer.retries=0",
      "consumer.group.instance.id=one",
      "producer.partitioner.class=mine",
    ];
    const required = ["application.id=shop", "bootstrap.servers=127.0.0.1:1"];
    const path = file("refused.properties", [...required, ...refused]);
    const { status, stderr } = outrigger(["run", "--config", path]);
    assert.equal(status, 2);
    for (const [index, line] of refused.entries()) {
      const key = line.split("=")[0];
      const place = `${path}:${index + 1 + required.length}`;
      assert.match(stderr, new RegExp(`^- ${key} \\(${place}\\) cannot be set: .{15}`, "m"));
    }
  });

  test("prints every value with its source", () => {
    const path = file("shop.yaml", [
      "application.id: shop",
      `bootstrap.servers: \${BROKER:-127.0.0.1:1}`,
      "consumer.fetch.min.bytes: 7",
    ]);
    const { status, stdout } = outrigger(["config", "print", "--json", "--retry.max", "3"], {
      OUTRIGGER_CONFIG: path,
      OUTRIGGER_LOG_LEVEL: "warn",
    });
    assert.equal(status, 0);
    const rows: { key: string; value: string; source: string }[] = JSON.parse(stdout);
    const row = (key: string) => rows.find((each) => each.key === key);
    assert.equal(rows.length, keyReferences.length);
    assert.deepEqual(row("bootstrap.servers"), {
      key: "bootstrap.servers",
      value: "127.0.0.1:1",
      source: `${path}:2:1`,
    });
    assert.deepEqual(row("fetch.min.bytes"), {
      key: "fetch.min.bytes",
      value: "7",
      source: `${path}:3:1`,
    });
    assert.equal(row("retry.max")?.source, "flag --retry.max");
    assert.equal(row("log.level")?.source, "environment OUTRIGGER_LOG_LEVEL");
    assert.equal(row("retry.factor")?.source, "default");
  });

  test("prints the schema that the repository has", () => {
    const { stdout } = outrigger(["config", "schema"]);
    const schema: { properties: Record<string, unknown> } = JSON.parse(stdout);
    assert.deepEqual(
      Object.keys(schema.properties),
      keyReferences.map(({ key }) => key),
    );
  });
});

describe("a secret", () => {
  const secret = "hunter2";
  const secretFile = file("token", [secret]);
  const ways: readonly [string, readonly string[], Record<string, string>][] = [
    ["by reference to a file", [`server.token: \${file:${secretFile}}`], {}],
    ["by reference to the environment", [`server.token: \${TOKEN}`], { TOKEN: secret }],
    ["in the file", [`server.token: ${secret}`], {}],
    ["in the environment", [], { OUTRIGGER_SERVER_TOKEN: secret }],
    ["by a file named in the environment", [], { OUTRIGGER_SERVER_TOKEN_FILE: secretFile }],
    ["under a key that is none", [`sasl.password: ${secret}`], {}],
    ["as broken YAML", [`server.token: *${secret}`], {}],
    ["as a value that is none", [`retry.max: \${file:${secretFile}}`], {}],
  ];
  for (const [what, lines, env] of ways) {
    test(`is never shown, given ${what}`, () => {
      const required = ["application.id: shop", "bootstrap.servers: 127.0.0.1:1"];
      const name = `secret-${what.replaceAll(" ", "-")}.yaml`;
      // No broker is there: what connects fails after the configuration was read.
      const path = file(name, [...required, `state.dir: ${folder}/state`, ...lines]);
      for (const args of [
        ["config", "print"],
        ["config", "print", "--json"],
        ["config", "print", "--retry.max", "x"],
        ["check", "--json", "--retry.max", "x"],
        ["run", "--log.level", "debug", "--retry.max", "x"],
      ]) {
        const { stdout, stderr } = outrigger([...args, "--config", path], env);
        assert.ok(!(stdout + stderr).includes(secret), `${args.join(" ")}: ${stdout}${stderr}`);
      }
    });
  }

  test("by a file is used, without the line's end", () => {
    const path = file("used.yaml", [`application.id: \${file:${file("id", ["shop-a"])}}`]);
    const flags = ["--bootstrap.servers", "127.0.0.1:1", "--config", path];
    const { stdout, status } = outrigger(["config", "print", ...flags]);
    assert.equal(status, 0);
    // It came from a file, so it is not shown; a line's end in it would have been a fault.
    assert.match(stdout, /^application\.id +\*\*\* /m);
  });

  test("that cannot be had is a fault with its place", () => {
    const path = file("missing.yaml", [
      `application.id: \${NOWHERE}`,
      `server.token: \${file:/nowhere/at/all}`,
      `process.id: \${oops`,
    ]);
    const flags = ["--bootstrap.servers", "127.0.0.1:1", "--config", path];
    const { stderr, status } = outrigger(["run", ...flags], {
      OUTRIGGER_CLIENT_ID_FILE: "/nowhere/either",
    });
    assert.equal(status, 2);
    assert.ok(
      stderr.includes(`application.id (${path}:1:1) refers to \${NOWHERE}, which is not set`),
    );
    assert.ok(stderr.includes(`server.token (${path}:2:1) refers to the file /nowhere/at/all`));
    assert.ok(stderr.includes(`process.id (${path}:3:1) holds a reference that is none`));
    assert.ok(stderr.includes("environment OUTRIGGER_CLIENT_ID_FILE refers to the file /nowhere"));
  });
});

test("every key can be given by flag, environment and file, and is in --help and the reference", () => {
  const { stdout } = outrigger(["run", "--help"]);
  const page = outrigger(["config", "schema"]).stdout;
  for (const { key } of keyReferences) {
    assert.ok(stdout.includes(`--${key} <value>`), key);
    assert.ok(page.includes(`"${key}"`), key);
    assert.match(environmentName(key), /^OUTRIGGER_[A-Z_]+$/);
  }
});
