import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseConfigFile } from "../../../src/config/files.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";

function entries(path: string, text: string): unknown[] {
  return parseConfigFile(path, text).written.map(({ key, value }) => [key, value]);
}

describe("a YAML file", () => {
  it("holds dotted keys, each with its place", () => {
    const { written, faults } = parseConfigFile("a.yaml", "# c\na.b: 1\n\nc: x y\nd:\n");
    assert.deepEqual(faults, []);
    assert.deepEqual(written, [
      { key: "a.b", value: 1, from: "a.yaml:2:1" },
      { key: "c", value: "x y", from: "a.yaml:4:1" },
      { key: "d", value: null, from: "a.yaml:5:1" },
    ]);
  });

  it("may be empty", () => {
    assert.deepEqual(parseConfigFile("a.yaml", "# nothing\n"), { written: [], faults: [] });
  });

  it("that is nested, a list, or broken is refused with the line", () => {
    const fault = (text: string) => parseConfigFile("a.yaml", text).faults.join();
    assert.match(fault("x: 1\na:\n  b: 1\n"), /^a.yaml:2:1: a holds more than one value/);
    assert.match(fault("- a\n"), /^a.yaml: expected/);
    assert.match(fault("a: 1\na: 2\n"), /^a.yaml:2:1: .*unique/);
    assert.match(fault("a: [1\n"), /^a.yaml:/);
  });
});

describe("a .properties file", () => {
  it("is read as Java reads it", () => {
    const text = [
      "# comment",
      "! comment too",
      "",
      "a.b=1",
      "  c : two words ",
      "d e",
      "long=one \\",
      "     two",
      "key\\ with\\:signs=\\u0041\\tB\\\\",
      "empty",
      "backslash=x\\\\",
      "after=y",
    ].join("\r\n");
    assert.deepEqual(entries("a.properties", text), [
      ["a.b", "1"],
      ["c", "two words "],
      ["d", "e"],
      ["long", "one two"],
      ["key with:signs", "A\tB\\"],
      ["empty", ""],
      ["backslash", "x\\"],
      ["after", "y"],
    ]);
  });

  it("tells the line of each value", () => {
    const { written } = parseConfigFile("a.properties", "\na=1\\\n2\nb=3");
    assert.deepEqual(
      written.map(({ from }) => from),
      ["a.properties:2", "a.properties:4"],
    );
  });
});

it("a file that cannot be read is a fault of the configuration", () => {
  assert.throws(
    () => loadConfig({ file: "nowhere/outrigger.yaml" }),
    (error) => error instanceof OutriggerError && error.code === "CONFIG_INVALID",
  );
});
