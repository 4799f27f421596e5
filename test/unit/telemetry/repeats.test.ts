import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLog } from "../../../src/telemetry/log.ts";
import { REPEAT_INTERVAL_MS, REPEATS_MAX, Repeats } from "../../../src/telemetry/repeats.ts";

function scene() {
  const lines: Record<string, unknown>[] = [];
  const clock = { nowMs: 0 };
  const repeats = new Repeats(() => clock.nowMs);
  const log = createLog({
    level: "info",
    style: "json",
    repeats,
    secrets: ["hunter2 is long", null, "abc", 'quo"ted'],
    write: (line) => {
      lines.push(JSON.parse(line));
    },
  });
  return { lines, clock, repeats, log };
}

describe("lines that repeat", () => {
  it("are written a few times, then counted, and told with the last one's fields", () => {
    const { lines, clock, log } = scene();
    for (let i = 0; i < 100; i++) log.warn("no heartbeat", { attempt: i });
    assert.equal(lines.length, REPEATS_MAX);
    clock.nowMs += REPEAT_INTERVAL_MS;
    log.info("another");
    assert.deepEqual(
      lines.slice(REPEATS_MAX).map(({ msg, attempt, repeated }) => [msg, attempt, repeated]),
      [
        ["no heartbeat", 99, 95],
        ["another", undefined, undefined],
      ],
    );
    log.warn("no heartbeat");
    assert.equal(lines.length, REPEATS_MAX + 3, "a new interval starts anew");
  });

  it("are told at the end when it comes first", () => {
    const { lines, repeats, log } = scene();
    for (let i = 0; i < 7; i++) log.error("x");
    repeats.flush();
    assert.equal(lines.at(-1)?.["repeated"], 2);
  });

  it("of different tasks are different", () => {
    const { lines, log } = scene();
    for (let i = 0; i < 30; i++) log.warn("x", { task: `0_${i % 10}` });
    assert.equal(lines.length, 30);
  });

  it("are remembered within bounds", () => {
    const { lines, log } = scene();
    for (let i = 0; i < 7; i++) log.warn("first");
    for (let i = 0; i < 600; i++) log.warn(`kind ${i}`);
    assert.equal(lines.find(({ repeated }) => repeated === 2)?.["msg"], "first");
  });
});

it("a secret shows in no line, wherever it stands; a short word is no secret", () => {
  const { lines, log } = scene();
  log.info("as it is", { quoted: 'quo"ted' });
  log.info("token hunter2 is long", { url: "http://u:hunter2 is long@host", word: "abc" });
  const text = JSON.stringify(lines);
  assert.ok(!text.includes("hunter2") && !text.includes("ted\\"), text);
  assert.equal(lines[0]?.["quoted"], "***");
  assert.ok(text.includes("***") && text.includes("abc"));
});
