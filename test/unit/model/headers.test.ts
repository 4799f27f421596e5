import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { withHeaders } from "../../../src/model/headers.ts";
import { headersIn, plainHeaders } from "../../support/headers.ts";

const header = fc.tuple(fc.string({ maxLength: 200 }), fc.string({ maxLength: 300 }));

test("headers are added behind those that a record has, whatever they hold", () => {
  fc.assert(
    fc.property(fc.array(header, { maxLength: 150 }), fc.array(header), (own, added) => {
      const bytes = Buffer.concat([Buffer.from("before"), plainHeaders(own), Buffer.from("after")]);
      const to = bytes.length - "after".length;
      const all = withHeaders(bytes, "before".length, to, added);
      const said = [...own, ...added].map(([name, value]) => [name, Buffer.from(value).toString()]);
      assert.deepEqual(
        headersIn(all).map(([name, value]) => [name, value]),
        said.map(([name = "", value]) => [Buffer.from(name).toString(), value]),
      );
    }),
  );
});

test("a record without headers gets the added ones alone", () => {
  const added = withHeaders(Buffer.alloc(0), 0, 0, [["a", "1"]]);
  assert.deepEqual(headersIn(added), [["a", "1"]]);
  const zero = withHeaders(Buffer.from([0]), 0, 1, [["a", "1"]]);
  assert.deepEqual(headersIn(zero), [["a", "1"]]);
});
