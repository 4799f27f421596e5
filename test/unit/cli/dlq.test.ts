import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keyBytes, sinceMs, wholeNumber } from "../../../src/cli/dlq-arguments.ts";
import { keyText, letterText, listed, listText } from "../../../src/cli/dlq-text.ts";
import { EXIT } from "../../../src/cli/exit-codes.ts";
import { runCli } from "../../../src/cli/program.ts";
import type { Letter } from "../../../src/letters/letter.ts";

const HOUR_MS = 3_600_000;

describe("dlq", () => {
  const run = async (...args: string[]): Promise<{ exitCode: number; said: string }> => {
    let said = "";
    const add = (text: string): void => {
      said += text;
    };
    const world = { env: {}, say: add, complain: add, isTerminal: false };
    const required = ["--application.id", "a", "--bootstrap.servers", "127.0.0.1:1"];
    return { exitCode: await runCli(["dlq", ...args, ...required], world), said };
  };

  for (const [what, args, message] of [
    ["no topic", ["list"], /no dead-letter topic is named: set errors\.dead\.letter/],
    ["a place that is none", ["show", "17", "--topic", "t"], /"17" is no place of a letter/],
    ["nothing chosen", ["replay", "--topic", "t"], /which letters\?.*--all/],
    ["all, and some", ["replay", "0@1", "--all", "--topic", "t"], /--all means every letter/],
    [
      "a limit of 0",
      ["list", "--limit", "0", "--topic", "t"],
      /--limit is "0"; it must be a whole/,
    ],
    ["a batch too large", ["replay", "--all", "--batch", "10001"], /--batch is "10001"/],
    [
      "no time",
      ["list", "--since", "yesterday", "--topic", "t"],
      /--since is "yesterday"; it must/,
    ],
    ["a release of nothing", ["release"], /which records\?.*--key.*--all/],
    ["a release of all, and some", ["release", "--key", "a", "--all"], /which records\?/],
    ["a drop without a place for letters", ["release", "--all", "--drop"], /or add --discard/],
    ["a discard that drops nothing", ["release", "--all", "--discard"], /belongs to --drop/],
    ["half a byte", ["list", "--key", "hex:abc", "--topic", "t"], /--key is "hex:abc"/],
  ] as const) {
    it(`refuses ${what} with exit code 2, before it connects`, async () => {
      const { exitCode, said } = await run(...args);
      assert.equal(exitCode, EXIT.usage, said);
      assert.match(said, message);
    });
  }

  it("explains each of its commands", async () => {
    for (const command of ["list", "show", "replay"]) {
      const { exitCode, said } = await run(command, "--help");
      assert.equal(exitCode, 0);
      assert.match(said, /--topic <topic>/);
    }
  });
});

describe("an argument", () => {
  it("is a moment, or a time ago", () => {
    const now = Date.UTC(2026, 0, 2);
    assert.equal(sinceMs("--since", "24h", now), Date.UTC(2026, 0, 1));
    assert.equal(sinceMs("--since", "1d", now), sinceMs("--since", "1440m", now));
    assert.equal(sinceMs("--since", "2026-01-01T01:00:00Z", now), now - 23 * HOUR_MS);
    assert.throws(() => sinceMs("--since", "5", now), /CONFIG_INVALID|it must be a time/);
  });

  it("is a key as it is shown", () => {
    for (const key of ["text", "", "-", "hex:00", "base64:", "a\nb", "é"].map((k) =>
      Buffer.from(k),
    )) {
      assert.deepEqual(keyBytes(keyText(key)), key);
    }
    assert.equal(keyText(Buffer.from([0xff, 0])), "hex:ff00");
    assert.deepEqual(keyBytes("base64:/wA="), Buffer.from([0xff, 0]));
    assert.equal(keyText(null), "-");
    assert.equal(wholeNumber("--limit", undefined, 7, 9), 7);
  });
});

describe("what is shown", () => {
  const letter: Letter = {
    partition: 0,
    offset: 1,
    timestamp: 0,
    key: Buffer.from("k"),
    value: Buffer.from("one\ntwo\u001b[2J"),
    headers: [{ key: "h\r", value: null }],
    headersBytes: null,
    cause: {
      source: { topic: "in", partition: 3, offset: 4 },
      reason: "rejected",
      attempts: 2,
      applicationId: "app",
      task: "0_3",
      node: null,
      type: "Error",
      message: "a\u0007b",
      stack: "at x\nat \u009b31my",
    },
  };

  it("steers no terminal", () => {
    const shown =
      letterText("dlq", letter, { atMs: 0, to: "in", times: 2 }) +
      listText("dlq", [listed(letter, null)], true);
    assert.doesNotMatch(shown.replaceAll("\n", ""), /\p{Cc}/u);
    assert.match(shown, /^error {8}Error: a\\u0007b$/m);
    assert.match(shown, /^value\n {2}hex:6f6e65/m);
    assert.match(shown, /^replayed {5}1970-01-01T00:00:00.000Z to in, 2 times in all$/m);
    assert.match(shown, /1 letter of dlq; there are more/);
  });
});
