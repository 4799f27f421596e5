import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { MessageReader, PREFIX_BYTES, prefixed } from "../src/grpc-messages.ts";

const MAX = 4_096;

function reader(bytesMax = MAX): { take: (piece: Buffer) => void; got: Buffer[] } {
  const got: Buffer[] = [];
  const messages = new MessageReader(bytesMax, (message) => got.push(message));
  return { take: (piece) => messages.take(piece), got };
}

function withFlag(flag: number, length: number): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return prefix;
}

describe("messages that come in pieces", () => {
  it("are the same however they are cut", () => {
    const contents = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 });
    const cuts = fc.array(fc.nat(1_000), { maxLength: 30 });
    fc.assert(
      fc.property(contents, cuts, (sent, where) => {
        const stream = Buffer.concat(sent.map(prefixed));
        const { take, got } = reader();
        const at = [0, ...where.filter((cut) => cut < stream.length).sort((a, b) => a - b)];
        for (const [index, from] of at.entries()) take(stream.subarray(from, at[index + 1]));
        assert.deepEqual(
          got.map((each) => [...each]),
          sent.map((each) => [...each]),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it("are not copied where they lie within one piece, and once where they do not", () => {
    const { take, got } = reader();
    const piece = prefixed(Buffer.from("whole"));
    take(piece);
    assert.equal(got[0]?.buffer, piece.buffer);
    const [head, tail] = [piece.subarray(0, 7), Buffer.from(piece.subarray(7))];
    take(head);
    take(tail);
    assert.equal(got[1]?.toString(), "whole");
    assert.equal(got[1]?.buffer.byteLength, 5, "memory of its own length");
  });

  it("are refused when they are compressed, of another protocol, or too large, by name", () => {
    assert.throws(() => reader().take(withFlag(1, 9)), /of 9 bytes came compressed/);
    assert.throws(() => reader().take(withFlag(60, 9)), /first byte is 60: this is no gRPC/);
    const large = withFlag(0, MAX + 1);
    assert.throws(() => reader().take(large), /of 4097 bytes came, the most is 4096/);
    const { take, got } = reader();
    take(prefixed(Buffer.alloc(MAX)));
    assert.equal(got.length, 1);
  });

  it("say their length in four bytes", () => {
    const message = prefixed(Buffer.alloc(0x01_02_03));
    assert.deepEqual([...message.subarray(0, PREFIX_BYTES)], [0, 0, 1, 2, 3]);
  });
});
