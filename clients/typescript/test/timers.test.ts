import assert from "node:assert/strict";
import { it } from "node:test";
import { firingOf } from "../src/timers.ts";

it("a timer's name is that which it was set with, also where it begins with a byte order mark", () => {
  for (const name of ["", "late", "\ufefflate"]) {
    const firing = firingOf(Buffer.concat([Buffer.from([2, 0]), Buffer.from(name)]));
    assert.deepEqual(firing, { clock: "wallClock", isPunctuation: false, name });
  }
});
