import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { bundleOf } from "../../../scripts/bundle-of.ts";
import { loadBundle } from "../../../src/cli/bundle.ts";
import { REPOSITORY_ROOT } from "../../support/kafka-jars.ts";

interface Exports {
  readonly answer: () => number;
  readonly fault: () => string;
  readonly other: () => Promise<unknown>;
}

const SOURCE = `
import { inSources } from ${JSON.stringify(join(REPOSITORY_ROOT, "src/cli/stack.ts"))};
export const answer = () => 41;
export function fault() {
  return inSources(new Error("a bug").stack ?? "");
}
export const other = async () => (await import("snappy")).default;
`;

describe("one script of many modules", () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "outrigger-bundle-"));
    file = join(folder, "one script.js");
    writeFileSync(join(folder, "entry.ts"), SOURCE);
    const { outputFiles } = await bundleOf(join(folder, "entry.ts"), file);
    for (const { path, contents } of outputFiles) writeFileSync(path, contents);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const load = () => {
    const bundle = loadBundle<Exports>(file);
    assert.ok(bundle !== null);
    return bundle;
  };
  const caches = (): string[] => {
    return readdirSync(folder).filter((name) => name.endsWith(".cache"));
  };

  it("does what its modules do, from V8's cache once that was kept", () => {
    const first = load();
    assert.deepEqual([first.exports.answer(), first.isCached], [41, false]);
    first.keepCache();
    const second = load();
    assert.deepEqual([second.exports.answer(), second.isCached], [41, true]);
    assert.equal(caches().length, 1);
  });

  it("imports what is not in it, from the cache too", async () => {
    const first = load();
    assert.ok((await first.exports.other()) !== undefined);
    first.keepCache();
    const second = load();
    assert.ok(second.isCached && (await second.exports.other()) !== undefined);
  });

  it("never runs the cache of another script, though of the same length", () => {
    load().keepCache();
    writeFileSync(file, readFileSync(file, "utf8").replace("41", "42"));
    const changed = load();
    assert.deepEqual([changed.exports.answer(), changed.isCached], [42, false]);
    changed.keepCache();
    assert.deepEqual([load().exports.answer(), load().isCached], [42, true]);
  });

  it("takes no cache that lost something, or in which a bit was turned", () => {
    load().keepCache();
    const cache = join(folder, caches()[0] ?? "");
    const whole = readFileSync(cache);
    for (const at of [0, 20, Math.floor(whole.length / 2), whole.length - 1]) {
      const turned = Buffer.from(whole);
      turned[at] = (turned[at] ?? 0) ^ 1;
      writeFileSync(cache, turned);
      assert.deepEqual([load().exports.answer(), load().isCached], [41, false], `byte ${at}`);
    }
    for (const length of [0, 10, whole.length - 1]) {
      writeFileSync(cache, whole.subarray(0, length));
      assert.deepEqual([load().exports.answer(), load().isCached], [41, false], `${length} bytes`);
    }
  });

  it("goes on without a cache where it cannot write one", () => {
    const bundle = load();
    rmSync(folder, { recursive: true });
    bundle.keepCache();
    assert.equal(bundle.exports.answer(), 41);
  });

  it("has stacks that name the place in the source", () => {
    const { exports } = load();
    const [, at] = exports.fault().split("\n");
    assert.match(at ?? "", /^ +at .*fault \(.*entry\.ts:5:20\)$/);
  });

  it("is none where nothing was built", () => {
    assert.equal(loadBundle(join(folder, "other.js")), null);
  });
});
