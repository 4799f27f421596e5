import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { listenAddress, prepareSocket } from "../../../src/server/address.ts";

const folder = mkdtempSync(join(tmpdir(), "outrigger-address-"));
after(() => rmSync(folder, { recursive: true, force: true }));

describe("where the server listens", () => {
  it("is a socket in its directory by default", () => {
    assert.deepEqual(listenAddress({ directory: "/d" }), {
      kind: "unix",
      path: "/d/outrigger.sock",
    });
    assert.deepEqual(listenAddress({ address: "unix:///a/b" }), { kind: "unix", path: "/a/b" });
  });

  it("moves to the temporary folder, always the same, where a path is too long for systems", () => {
    const directory = `/${"d".repeat(100)}`;
    const at = listenAddress({ directory });
    assert.ok(at.kind === "unix" && at.path.startsWith(tmpdir()) && at.path.length <= 100);
    assert.deepEqual(listenAddress({ directory }), at);
    assert.notDeepEqual(listenAddress({ directory: `${directory}e` }), at);
  });

  it("is loopback with a token, or refused", () => {
    const token = "t";
    const at = { kind: "tcp", host: "127.0.0.1", port: 9400 };
    assert.deepEqual(listenAddress({ address: "127.0.0.1:9400", token }), at);
    assert.throws(() => listenAddress({ address: "127.0.0.1:9400" }), /needs a token/);
    assert.throws(() => listenAddress({ address: "0.0.0.0:9400", token }), /loopback/);
    assert.throws(() => listenAddress({ address: "10.0.0.1:9400", token }), /unencrypted/);
    assert.throws(() => listenAddress({ address: "nonsense", token }), /nonsense/);
  });
});

describe("the socket's place", () => {
  it("is cleared of what a killed sidecar left", async () => {
    const path = join(folder, "stale.sock");
    const die = '() => process.kill(process.pid, "SIGKILL")';
    const listen = `require("net").createServer().listen(process.argv[1], ${die})`;
    spawnSync(process.execPath, ["-e", listen, path]);
    assert.ok(existsSync(path));
    await prepareSocket(path);
    assert.ok(!existsSync(path));
  });

  it("is refused while another process listens there", async () => {
    const path = join(folder, "live.sock");
    const server = createServer().listen(path);
    try {
      await new Promise((resolve) => server.once("listening", resolve));
      await assert.rejects(prepareSocket(path), /another process listens/);
    } finally {
      server.close();
    }
  });

  it("is refused where a file stands that is no socket", async () => {
    const path = join(folder, "file.sock");
    writeFileSync(path, "mine");
    await assert.rejects(prepareSocket(path), /no socket and is left alone/);
    assert.ok(existsSync(path));
  });
});
