import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { utf8 } from "../src/serdes.ts";
import { FakeSidecar, segment, source } from "./fake-sidecar.ts";

const rows = (...keys: string[]) => [segment(keys.map((key) => [key, ""] as const))];

/** A sidecar, and the keys that user code has seen. */
function seeing(seen: string[], code: (key: string) => void = () => {}): FakeSidecar {
  const sidecar = new FakeSidecar();
  source(sidecar.builder, utf8, utf8)
    .process(
      ({ key }) => {
        seen.push(key);
        code(key);
      },
      { name: "p" },
    )
    .to("topic-out", { key: utf8, value: utf8 }, { name: "out" });
  sidecar.welcome({ entries: ["p"], sinks: ["out"] });
  return sidecar;
}

/** Both ends of a Unix socket. */
async function pair(path: string): Promise<[net.Socket, net.Socket, net.Server]> {
  const server = net.createServer().listen(path);
  await once(server, "listening");
  const near = net.connect(path);
  const [[far]] = await Promise.all([once(server, "connection"), once(near, "connect")]);
  return [near, far as net.Socket, server];
}

describe("batches that came in one piece", () => {
  for (const tasks of [
    ["0_0", "0_0"],
    ["0_0", "0_1"],
  ]) {
    it(`have IO between them, of ${new Set(tasks).size} tasks`, async () => {
      const folder = mkdtempSync(join(tmpdir(), "outrigger-sdk-"));
      const [near, far, server] = await pair(join(folder, "s.sock"));
      const seen: string[] = [];
      far.on("data", () => seen.push("read"));
      const sidecar = seeing(seen, () => near.write("x"));
      for (const [index, taskId] of tasks.entries()) {
        sidecar.batch({ dispatchId: BigInt(index), taskId, segments: rows(`batch ${index}`) });
      }
      await sidecar.result(1);
      assert.deepEqual(seen, ["batch 0", "read", "batch 1"]);
      near.destroy();
      server.close();
      rmSync(folder, { recursive: true });
    });
  }

  it("are not begun within what reads the stream", async () => {
    const seen: string[] = [];
    const sidecar = seeing(seen);
    sidecar.batch({ dispatchId: 1n, segments: rows("a") });
    await Promise.resolve();
    assert.deepEqual(seen, []);
    await sidecar.result();
    assert.deepEqual(seen, ["a"]);
  });
});

describe("a batch that waits for its turn", () => {
  const waiting = (): { sidecar: FakeSidecar; seen: string[] } => {
    const seen: string[] = [];
    const sidecar = seeing(seen);
    sidecar.batch({ dispatchId: 1n, segments: rows("a") });
    sidecar.batch({ dispatchId: 2n, segments: rows("b") });
    sidecar.batch({ dispatchId: 3n, taskId: "0_1", segments: rows("c") });
    return { sidecar, seen };
  };

  it("runs no user code when it was revoked, and what came later does", async () => {
    const { sidecar, seen } = waiting();
    sidecar.revoke(1, "0_0");
    sidecar.batch({ dispatchId: 4n, taskEpoch: 2, segments: rows("d") });
    await sidecar.result(1);
    assert.deepEqual(seen.sort(), ["c", "d"]);
    assert.deepEqual(sidecar.handedBack, [], "no word about what was revoked");
  });

  it("runs no user code when the application was stopped: it is handed back", async () => {
    const { sidecar, seen } = waiting();
    sidecar.session.stop();
    assert.ok(!sidecar.isIdle, "two of them have their turn still");
    await sidecar.until(() => sidecar.isIdle);
    assert.deepEqual(seen, []);
    assert.deepEqual(sidecar.handedBack.sort(), [1n, 2n, 3n]);
  });

  it("runs no user code when its stream is gone, and nothing is sent", async () => {
    const { sidecar, seen } = waiting();
    sidecar.session.close();
    for (let each = 0; each < 4; each++) await turn();
    assert.deepEqual(seen, []);
    assert.deepEqual(sidecar.frames, []);
  });
});
