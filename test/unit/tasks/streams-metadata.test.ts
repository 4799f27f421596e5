import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeStreamsMetadata } from "../../../src/tasks/streams-metadata.ts";

const written = (version: number, time: bigint, rest = 0): string => {
  const bytes = Buffer.alloc(9 + rest);
  bytes.writeUInt8(version);
  bytes.writeBigInt64BE(time, 1);
  return bytes.toString("base64");
};

test("the partition time that Kafka Streams commits is read, in both versions", () => {
  assert.equal(decodeStreamsMetadata(written(1, 1_234n)), 1_234);
  assert.equal(decodeStreamsMetadata(written(2, 1_700_000_000_000n)), 1_700_000_000_000);
  assert.equal(decodeStreamsMetadata(written(2, -1n, 17)), -1);
});

test("what others commit is not taken for it", () => {
  const others = [
    "",
    "x",
    "AgAA",
    "[]",
    '["outrigger/1",1,1,[]]',
    written(3, 1n),
    written(1, 1n, 1),
  ];
  for (const text of [...others, written(0, 1n), written(2, -2n), `${written(2, 1n)}=`]) {
    assert.equal(decodeStreamsMetadata(text), null, text);
  }
});
