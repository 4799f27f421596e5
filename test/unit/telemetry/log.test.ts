import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLog, type LogOptions, logStyleOf } from "../../../src/telemetry/log.ts";
import { prettyLine } from "../../../src/telemetry/pretty-line.ts";

function logged(options: Partial<LogOptions>, use: (log: ReturnType<typeof createLog>) => void) {
  const lines: string[] = [];
  const write = (line: string): void => {
    lines.push(line);
  };
  use(createLog({ level: "info", style: "json", write, ...options }));
  return lines;
}

describe("a log line", () => {
  it("is JSON with time, level, message and the fields given", () => {
    const [line = ""] = logged({}, (log) => {
      log.info("task is running", { task: "0_3", partition: 3, epoch: 7, absent: undefined });
    });
    assert.ok(line.endsWith("}\n"));
    const { time, ...rest } = JSON.parse(line);
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual(rest, {
      level: "info",
      msg: "task is running",
      task: "0_3",
      partition: 3,
      epoch: 7,
    });
  });

  it("below the level is left out", () => {
    const lines = logged({ level: "warn" }, (log) => {
      log.debug("a");
      log.info("b");
      log.warn("c");
      log.error("d");
    });
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).msg),
      ["c", "d"],
    );
  });

  it("never shows a secret", () => {
    const [line = ""] = logged({}, (log) => log.info("connected", { saslPassword: "hunter2" }));
    assert.equal(JSON.parse(line).saslPassword, "***");
  });

  it("is one readable line for a person, coloured only where colour is wanted", () => {
    const write = (style: "plain" | "color") =>
      logged({ style }, (log) => log.warn("restored", { task: "0_1", why: "no such offset" }))[0];
    assert.match(
      write("plain") ?? "",
      /^\d\d:\d\d:\d\d\.\d{3} WARN {2}restored {2}task=0_1 why="no such offset"\n$/,
    );
    assert.ok(write("color")?.includes("\u001b[33mWARN \u001b[0m"));
  });

  it("stays one line when a field has several", () => {
    const json = JSON.stringify({
      time: "2026-01-01T00:00:00.000Z",
      level: "info",
      msg: "x",
      a: "1\n2",
    });
    assert.equal(prettyLine(json, false), '00:00:00.000 INFO  x  a="1\\n2"\n');
  });
});

it("colour needs a terminal and no NO_COLOR; without a terminal the log is JSON", () => {
  assert.equal(logStyleOf(true, undefined), "color");
  assert.equal(logStyleOf(true, ""), "color");
  assert.equal(logStyleOf(true, "1"), "plain");
  assert.equal(logStyleOf(false, undefined), "json");
});
