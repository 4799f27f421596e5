import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { contextOf, mayBeSampled, writeParent } from "../../../src/telemetry/traceparent.ts";
import { headerText, rowsWithHeaders } from "./headers.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const SAMPLED = `00-${TRACE}-${SPAN}-01`;

function sampled(...headers: [string, string | null][]): boolean {
  return mayBeSampled(rowsWithHeaders([headers]), 0);
}

describe("trace context in a record's headers", () => {
  it("is sampled where the flag says so", () => {
    assert.equal(sampled(["traceparent", SAMPLED]), true);
    assert.equal(sampled(["traceparent", `00-${TRACE}-${SPAN}-00`]), false);
    assert.equal(sampled(["traceparent", `00-${TRACE}-${SPAN}-03`]), true);
    assert.equal(sampled(["traceparent", `00-${TRACE}-${SPAN}-0b`]), true);
    assert.equal(sampled(["a", "1"], ["TraceParent", SAMPLED]), true);
  });

  it("is absent without headers, with other ones, null or short", () => {
    assert.equal(sampled(), false);
    assert.equal(sampled(["tracestate", "a=1"], ["x", null]), false);
    assert.equal(sampled(["traceparent", null]), false);
    assert.equal(sampled(["traceparent", "00-01"], ["x", "1".repeat(80)]), false);
  });

  it("is found between headers of any length", () => {
    const long = "x".repeat(300);
    assert.equal(sampled(["a", long], ["traceparent", SAMPLED]), true);
    assert.equal(sampled(["traceparent", SAMPLED], [long, "1"]), true);
    assert.equal(sampled(["traceparent", `00-${TRACE}-${SPAN}-00`], ["a", long]), false);
    assert.equal(sampled(["traceparent", `${SAMPLED}-${long}`]), true);
    const many = Array.from({ length: 70 }, (_, i): [string, string] => [`h${i}`, "1"]);
    assert.equal(sampled(...many, ["traceparent", SAMPLED]), true);
    assert.equal(sampled(...many), false);
  });

  it("is the last header's, with its state", () => {
    const columns = rowsWithHeaders([
      [],
      [
        ["traceparent", `00-${TRACE}-1111111111111111-00`],
        ["tracestate", "vendor=x"],
        ["traceparent", SAMPLED],
      ],
    ]);
    const { position, ...context } = contextOf(columns, 1) ?? assert.fail();
    assert.deepEqual(context, { traceId: TRACE, spanId: SPAN, sampled: true, state: "vendor=x" });
    assert.equal(columns.bytes.toString("latin1", position, position + 55), SAMPLED);
    assert.equal(contextOf(columns, 0), null);
  });

  it("that W3C forbids is none", () => {
    for (const text of [
      `ff-${TRACE}-${SPAN}-01`,
      `00-${"0".repeat(32)}-${SPAN}-01`,
      `00-${TRACE}-${"0".repeat(16)}-01`,
      `00-${TRACE.toUpperCase()}-${SPAN}-01`,
      `00_${TRACE}-${SPAN}-01`,
    ]) {
      assert.equal(contextOf(rowsWithHeaders([[["traceparent", text]]]), 0), null, text);
    }
  });

  it("takes another parent in place, and nothing else changes", () => {
    const columns = rowsWithHeaders([
      [
        ["a", "1"],
        ["traceparent", SAMPLED],
        ["b", "2"],
      ],
    ]);
    const before = headerText(columns, 0);
    const { position } = contextOf(columns, 0) ?? assert.fail();
    writeParent(columns.bytes, position, "c".repeat(16));
    assert.equal(headerText(columns, 0), before.replace(SPAN, "c".repeat(16)));
    writeParent(columns.bytes, position, SPAN);
    assert.equal(headerText(columns, 0), before);
  });
});
