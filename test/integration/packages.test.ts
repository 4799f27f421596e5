import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type DevBroker, startDevBroker } from "@outrigger/dev-broker";
import { SDKS, setUp, whyNot } from "../conformance/languages.ts";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { Pair } from "../support/pair.ts";
import { Child } from "../support/sidecar-process.ts";
import { Tail } from "../support/tail.ts";
import { kafkaAt, makeTopics, produce } from "../support/topics.ts";

describe("the built package, installed into an empty project, serves a real sidecar", () => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-packages-"));
  let broker: DevBroker;
  let out: Tail;

  before(async () => {
    broker = await startDevBroker();
    const kafka = kafkaAt(broker.bootstrapServers);
    await makeTopics(kafka, ["in", "out"]);
    await produce(kafka, "in", [{ key: "k", value: "hello" }]);
    out = await Tail.of(kafka, "out");
  });
  after(async () => {
    await out.stop();
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const language of SDKS) {
    test(`of ${language.name}`, { skip: whyNot(language) ?? false }, async () => {
      setUp(language);
      const script = join(REPOSITORY_ROOT, "clients", language.folder, "scripts/package.sh");
      const project = mkdtempSync(join(folder, `${language.name}-`));
      const pair = new Pair(broker.bootstrapServers, `package-${language.name}`, (environment) => {
        return new Child(`package of ${language.name}`, [script, project], environment, "bash");
      });
      try {
        // Building and installing take their time, the more so where nothing is cached.
        await out.reaches(1, pair.children, 300_000);
        await pair.stop();
        const written = await out.take();
        assert.deepEqual(
          written.map(({ key, value }) => `${key}=${value}`),
          ["k=HELLO"],
        );
      } finally {
        await pair.end();
      }
    });
  }
});
