import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

/**
 * Runs every transcript of a folder. A transcript is a list of blocks: a comment that says the rule,
 * commands, `----`, and what the machine did. `REWRITE=1` accepts what it does now: commit that diff
 * only if you can say why it is right.
 */
export function goldenTranscripts(folder: string, run: (commands: string[]) => string[]): void {
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".txt"))) {
    const path = join(folder, name);
    const text = readFileSync(path, "utf8");
    const blocks = text.trimEnd().split(/\n\n+/);
    const actual = blocks.map((block) => {
      const [head] = block.split("\n----");
      const lines = (head ?? "").split("\n");
      const commands = lines.filter((line) => line !== "" && !line.startsWith("#"));
      return { title: lines[0] ?? name, text: `${head}\n----\n${run(commands).join("\n")}` };
    });
    if (process.env["REWRITE"] === "1") {
      writeFileSync(path, `${actual.map((block) => block.text).join("\n\n")}\n`);
    }
    for (const [index, block] of actual.entries()) {
      test(block.title.replace(/^# /, ""), () => assert.equal(block.text, blocks[index]));
    }
  }
}
