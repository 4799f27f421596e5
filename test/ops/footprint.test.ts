import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { freePort } from "../support/ports.ts";
import { rssBytes } from "../support/proc.ts";
import { Scene } from "../support/scene.ts";
import { answered, ask } from "./http.ts";
import { type Broker, bestBroker } from "./scene.ts";

const RSS_MAX = 120e6;

describe("an idle sidecar", { skip: process.platform !== "linux" }, () => {
  const kind = bestBroker();
  let broker: Broker;
  before(async () => {
    broker = await kind.start();
  });
  after(() => broker.stop());

  test("takes less than 120 MB, ready and scraped", async () => {
    const http = `127.0.0.1:${await freePort()}`;
    const scene = await Scene.make(kind.name, broker, "idle", { "http.address": http });
    try {
      const sidecar = scene.startSidecar({}, process.execPath);
      scene.startApplication("test/support/apps/copy.js");
      await answered(http, "/readyz", /^200/, scene.children);
      for (let i = 0; i < 20; i++) await ask(http, "/metrics");
      const rss = rssBytes(sidecar.pid);
      assert.ok(rss < RSS_MAX, `it takes ${Math.round(rss / 1e6)} MB`);
    } finally {
      await scene.end();
    }
  });
});
