import assert from "node:assert/strict";
import { it } from "node:test";
import { MAX_FRAME_BYTES_DEFAULT } from "../../../src/server/limits.ts";
import { prefixOf } from "../../../src/server/message-reader.ts";
import type { BareWorker } from "./bare-worker.ts";
import { ServedWorld } from "./served-world.ts";

const INPUT = ["a=1", "b=2", "c=3", "d=4", "e=5"];

const LIMIT = { timeout: 20_000 };
const COMPRESSED = "a message is compressed, and no compression was agreed on; send it as it is";

const FAULTS: Readonly<
  Record<
    string,
    { breaks: (worker: BareWorker) => void; readonly code: number; readonly details: string }
  >
> = {
  "ends in the midst of a message": {
    breaks: (worker) => {
      worker.bytes(Buffer.concat([prefixOf(100), Buffer.alloc(99)]));
      worker.halfClose();
    },
    code: 13,
    details: "the stream ended in the midst of a frame",
  },
  "ends in the midst of a prefix": {
    breaks: (worker) => {
      worker.bytes(prefixOf(100).subarray(0, 3));
      worker.halfClose();
    },
    code: 13,
    details: "the stream ended in the midst of a frame",
  },
  "brings a compressed message": {
    breaks: (worker) => worker.bytes(Buffer.from([1, 0, 0, 0, 1, 0])),
    code: 12,
    details: COMPRESSED,
  },
  "brings a compressed message and ends": {
    breaks: (worker) => {
      worker.bytes(Buffer.from([1, 0, 0, 0, 1, 0]));
      worker.halfClose();
    },
    code: 12,
    details: COMPRESSED,
  },
  "brings a message that is too long, be it only announced": {
    breaks: (worker) => worker.bytes(prefixOf(MAX_FRAME_BYTES_DEFAULT + 1)),
    code: 8,
    details:
      `a frame has ${MAX_FRAME_BYTES_DEFAULT + 1} bytes, and the sidecar takes ` +
      `${MAX_FRAME_BYTES_DEFAULT}; send it in chunks`,
  },
};

for (const [what, { breaks, ...status }] of Object.entries(FAULTS)) {
  it(`a stream that ${what} is told so, and another worker has its batches`, LIMIT, async () => {
    const served = await ServedWorld.start();
    const { kernel, gone } = served;
    try {
      const broken = served.worker();
      kernel.input(...INPUT);
      await served.until(() => broken.batches.length === 2);
      breaks(broken);
      assert.deepEqual(await broken.status, status);
      const next = served.worker({ answers: true });
      await served.until(() => kernel.outputs().length >= INPUT.length);
      assert.deepEqual(gone, [status.details], "once, and that worker alone");
      kernel.input("f=6");
      await served.until(() => kernel.world.committed.get("in-0")?.offset === INPUT.length + 1);
      assert.deepEqual(kernel.outputs(), [...INPUT, "f=6"]);
      assert.ok(next.batches.length >= 3);
    } finally {
      await served.close();
    }
  });
}

it("a stream that ends between two messages has the status of success", LIMIT, async () => {
  const served = await ServedWorld.start();
  try {
    const worker = served.worker();
    served.kernel.input(...INPUT);
    await served.until(() => worker.batches.length === 2);
    worker.halfClose();
    assert.deepEqual(await worker.status, { code: 0, details: "" });
    assert.deepEqual(served.gone, ["the worker closed its stream"]);
  } finally {
    await served.close();
  }
});
