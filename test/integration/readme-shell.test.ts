import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startDevBroker } from "@outrigger/dev-broker";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { blocksOf, READMES } from "../support/readme.ts";
import { Child, eventually } from "../support/sidecar-process.ts";
import { kafkaAt, makeTopics, produce, watch } from "../support/topics.ts";

const commands = READMES.flatMap((page) => blocksOf(page, "sh"))
  .join("\n")
  .split("\n")
  .map((line) => line.replace(/#.*/, "").trim())
  .filter((line) => line !== "");
const ofNpm = commands.filter((line) => line.startsWith("npm "));
const ofOutrigger = commands.filter((line) => line.startsWith("npx outrigger "));

test("every block that the READMEs show is in a language that a test executes", () => {
  const tests = readdirSync(import.meta.dirname).filter((name) => name.startsWith("readme-"));
  const sources = tests.map((name) => readFileSync(join(import.meta.dirname, name), "utf8"));
  for (const page of READMES) {
    const text = readFileSync(join(REPOSITORY_ROOT, page), "utf8");
    for (const [, language = ""] of text.matchAll(/^```(\w+)$/gm)) {
      const executes = new RegExp(`(?:runPrograms\\(|blocksOf\\(\\w+, )"${language}"`);
      assert.ok(
        sources.some((source) => executes.test(source)),
        `${page} shows ${language}`,
      );
    }
  }
});

test("every command that the READMEs show is of a kind that is tried here", () => {
  assert.deepEqual(
    commands.filter((line) => !ofNpm.includes(line) && !ofOutrigger.includes(line)),
    [],
  );
  assert.ok(ofNpm.length >= 2 && ofOutrigger.length >= 2, commands.join("\n"));
});

test("every npm script that the READMEs show is there", () => {
  const { scripts } = JSON.parse(readFileSync(join(REPOSITORY_ROOT, "package.json"), "utf8"));
  for (const line of ofNpm) {
    const [, name = ""] = /^npm (?:run )?([\w:]+)/.exec(line) ?? [];
    const [, file = ""] = /^node (\S+)/.exec(scripts[name] ?? "") ?? [];
    assert.ok(file !== "" && existsSync(join(REPOSITORY_ROOT, file)), line);
  }
});

/** `flights` has a record to come, and `departures` is there for what comes of it. */
async function serves(outrigger: Child, bootstrapServers: string): Promise<void> {
  const kafka = kafkaAt(bootstrapServers);
  await produce(kafka, "flights", [{ key: "ABQ", value: '{"delay":3}', timestamp: 0 }]);
  const departures = await watch(kafka, "departures");
  try {
    await eventually("a departure", () => departures.records.length === 1, [outrigger]);
  } finally {
    await departures.stop();
  }
  const [departure] = departures.records;
  assert.equal(String(departure?.value), "1 departures since 1970-01-01T00:00:00.000Z");
  assert.match(await outrigger.interrupt(), /^(0|130)$/, outrigger.output);
}

/** What each of the commands must show. */
const PROOFS: Readonly<
  Record<string, (outrigger: Child, bootstrapServers: string) => Promise<void>>
> = {
  run: serves,
  dev: async (outrigger) => {
    // It brings a broker of its own, and makes the topics.
    const made = (): boolean => /topic departures did not exist/.test(outrigger.output);
    await eventually("the topics", made, [outrigger]);
    await serves(outrigger, /bootstrap\.servers=(\S+)/.exec(outrigger.output)?.[1] ?? "");
  },
  check: async (outrigger) => {
    assert.equal(await outrigger.ended(), "0", outrigger.output);
  },
};

for (const line of ofOutrigger) {
  const [, , command = ""] = line.split(" ");
  test(`\`${line}\` does it with the application that the README shows`, async () => {
    const prove = PROOFS[command];
    assert.ok(prove !== undefined, `nothing says what ${command} must show`);
    mkdirSync(join(REPOSITORY_ROOT, "dist/test"), { recursive: true });
    const folder = mkdtempSync(join(REPOSITORY_ROOT, "dist/test/readme-"));
    const broker = await startDevBroker();
    const { bootstrapServers } = broker;
    const [code = ""] = blocksOf("README.md", "ts");
    writeFileSync(join(folder, "app.ts"), code);
    await makeTopics(kafkaAt(bootstrapServers), ["flights", "departures"]);
    // As it stands there, but for where the broker, the command and the application are.
    const words = line
      .replace("localhost:9092", bootstrapServers)
      .replace("npx outrigger", join(REPOSITORY_ROOT, "dist/src/main.js"))
      .replace("node app.js", `${process.execPath} --import tsx ${join(folder, "app.ts")}`)
      .split(" ");
    const outrigger = new Child("outrigger", words, {
      OUTRIGGER_STATE_DIR: join(folder, "state"),
      OUTRIGGER_REPLICATION_FACTOR: "1",
    });
    try {
      await prove(outrigger, bootstrapServers);
    } finally {
      if (outrigger.isRunning) await outrigger.kill();
      await broker.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
