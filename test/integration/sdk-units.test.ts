import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { SDKS, setUp, whyNot } from "../conformance/languages.ts";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";

// TypeScript's are part of `npm run check`, those by its test driver of `npm run test:integration`.
for (const language of SDKS.filter(({ name }) => name !== "typescript")) {
  const skip = whyNot(language) ?? false;
  test(`the unit tests of the ${language.name} SDK pass`, { skip }, async () => {
    setUp(language);
    const script = join(REPOSITORY_ROOT, "clients", language.folder, "scripts/test.sh");
    const child = spawn("bash", [script], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (text: Buffer) => {
        said += text.toString();
      });
    }
    const code = await new Promise((resolve) => child.on("close", resolve));
    assert.equal(code, 0, said);
    assert.match(said.trimEnd().split("\n").at(-1) ?? "", /^[1-9]\d* passed, 0 failed$/);
  });
}
