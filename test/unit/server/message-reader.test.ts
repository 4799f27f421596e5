import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { MessageReader, prefixOf, StreamFault } from "../../../src/server/message-reader.ts";

function framed(message: Uint8Array): Buffer {
  return Buffer.concat([prefixOf(message.length), message]);
}

function* pieces(bytes: Buffer, cuts: readonly number[]): Generator<Buffer> {
  let at = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const to = Math.min(bytes.length, cut);
    if (to > at) yield bytes.subarray(at, to);
    at = Math.max(at, to);
  }
  if (at < bytes.length) yield bytes.subarray(at);
}

it("finds the same messages wherever HTTP/2 cuts their bytes", () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
  const cuts = fc.array(fc.nat(400), { maxLength: 30 });
  fc.assert(
    fc.property(messages, cuts, (sent, at) => {
      const reader = new MessageReader(40);
      const taken: Buffer[] = [];
      const bytes = Buffer.concat(sent.map(framed));
      for (const piece of pieces(bytes, at)) taken.push(...reader.read(piece));
      assert.deepEqual(
        taken.map((message) => message.toString("hex")),
        sent.map((message) => Buffer.from(message).toString("hex")),
      );
      assert.ok(reader.isBetween);
    }),
  );
});

it("copies a message once where it lies in several pieces, and not at all where it lies in one", () => {
  const reader = new MessageReader(1_000);
  const piece = framed(Buffer.alloc(100, 1));
  const [whole] = reader.read(piece);
  assert.equal(whole?.buffer, piece.buffer);
  assert.deepEqual([...reader.read(piece.subarray(0, 50))], []);
  assert.ok(!reader.isBetween, "the stream may not end within a message");
  const [joined] = reader.read(piece.subarray(50));
  assert.deepEqual(joined, whole);
  assert.notEqual(joined?.buffer, piece.buffer);
});

it("refuses what is too long before it takes memory for it, and what is compressed", () => {
  const faultOf = (bytes: Buffer): StreamFault => {
    try {
      [...new MessageReader(100).read(bytes)];
    } catch (thrown) {
      if (thrown instanceof StreamFault) return thrown;
    }
    throw new Error("it was taken");
  };
  const long = faultOf(prefixOf(101));
  assert.deepEqual(
    [long.code, long.message],
    [8, "a frame has 101 bytes, and the sidecar takes 100; send it in chunks"],
  );
  const compressed = faultOf(Buffer.from([1, 0, 0, 0, 1, 0]));
  assert.equal(compressed.code, 12);
  assert.match(compressed.message, /compressed.*send it as it is/);
});
