import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { LANGUAGES, whyNot } from "../conformance/languages.ts";
import { eventually } from "../support/sidecar-process.ts";

const DEMO = fileURLToPath(new URL("../../dist/demo/main.js", import.meta.url));

/** The demo with a temporary folder of its own, so that it can be seen what it leaves there. */
class Demo {
  readonly folder = mkdtempSync(join(tmpdir(), "outrigger-demo-test-"));
  readonly child: ChildProcess;
  output = "";

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [DEMO, ...args], {
      env: { ...process.env, TMPDIR: this.folder },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.child.stdout?.setEncoding("utf8");
    this.child.stdout?.on("data", (text: string) => {
      this.output += text;
    });
  }

  /** Process ids that it told of, and that are alive. */
  get alive(): number[] {
    const told = [...this.output.matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid));
    return told.filter((pid) => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    });
  }

  async ended(): Promise<number> {
    const [code] = this.child.exitCode === null ? await once(this.child, "exit") : [];
    return Number(code ?? this.child.exitCode);
  }
}

const demos: Demo[] = [];

function start(...args: string[]): Demo {
  const demo = new Demo(args);
  demos.push(demo);
  return demo;
}

after(() => {
  for (const { child, folder } of demos) {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});

for (const name of ["typescript", "python", "go", "java"]) {
  const language = LANGUAGES.find((one) => one.name === name);
  const reason = language === undefined ? `there is no ${name}` : whyNot(language);
  const skip = reason === null ? false : `NOT PROVED: the demo in ${name}, because ${reason}`;
  test(`the demo in ${name} counts every flight once while processes die`, { skip }, async () => {
    const demo = start("--app", name);
    assert.equal(await demo.ended(), 0, demo.output);
    assert.equal(demo.output.match(/SIGKILL to the application/g)?.length, 2);
    assert.equal(demo.output.match(/SIGKILL to the sidecar/g)?.length, 1);
    const last = demo.output.trimEnd().split("\n").at(-1) ?? "";
    assert.match(last, /demo: 20000 flights in, 6901 windows out, 0 lost, 0 doubled/);
    assert.deepEqual(demo.alive, []);
    assert.deepEqual(readdirSync(demo.folder), []);
  });
}

test("the stateless copy copies every flight once while processes die", async () => {
  const demo = start("--copy");
  assert.equal(await demo.ended(), 0, demo.output);
  assert.match(demo.output, /demo: 20000 flights in, .* 0 lost, 0 doubled/);
  assert.deepEqual(demo.alive, []);
  assert.deepEqual(readdirSync(demo.folder), []);
});

for (const [moment, seen] of [
  ["while the broker starts", /real flights/],
  ["while its processes start", /sidecar +pid/],
  ["in the middle", /SIGKILL to the sidecar/],
] as const) {
  test(`the demo cleans up after Ctrl-C ${moment}`, async () => {
    const demo = start();
    await eventually(moment, () => seen.test(demo.output));
    demo.child.kill("SIGINT");
    assert.equal(await demo.ended(), 130, demo.output);
    assert.deepEqual(demo.alive, []);
    assert.deepEqual(readdirSync(demo.folder), []);
  });
}
