import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameBytes } from "../src/frame-bytes.ts";

test("a part is a Buffer over the frame's memory, wherever the frame begins in it", () => {
  const memory = Buffer.from("..the frame..");
  const frame = new FrameBytes(memory.subarray(2, 11));
  assert.equal(frame.bytes.toString(), "the frame");
  const part = frame.part(4, 9);
  assert.deepEqual(part, Buffer.from("frame"));
  assert.ok(Buffer.isBuffer(part));
  memory[6] = "F".charCodeAt(0);
  assert.equal(part.toString(), "Frame");
  assert.equal(frame.part(3, 3).length, 0);
});
