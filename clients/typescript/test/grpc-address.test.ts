import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addressOf } from "../src/grpc-address.ts";
import { createApp } from "../src/index.ts";

describe("an address", () => {
  it("is a Unix socket's path, or a host and its port", () => {
    for (const [text, expected] of [
      ["unix:/run/o.sock", { path: "/run/o.sock" }],
      ["unix:///run/o.sock", { path: "/run/o.sock" }],
      ["unix:o.sock", { path: "o.sock" }],
      ["localhost:7400", { host: "localhost", port: 7_400, noDelay: true }],
      ["[::1]:7400", { host: "::1", port: 7_400, noDelay: true }],
    ] as const) {
      assert.deepEqual(addressOf(text).socket, expected);
      assert.equal(addressOf(text).authority, text.startsWith("unix:") ? "localhost" : text);
    }
  });

  it("that is neither ends the application at once, by name", async () => {
    for (const address of ["unix:", "localhost", "localhost:", "a:b:1", "h:70000", "http://h:1"]) {
      const app = createApp({ address });
      app.stream("a").to("b");
      await assert.rejects(app.run(), { message: /is no address of a sidecar: write unix:/ });
    }
  });
});
