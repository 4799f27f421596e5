import assert from "node:assert/strict";
import { join } from "node:path";
import { LANGUAGES, setUp, whyNot } from "../conformance/languages.ts";
import { REPOSITORY_ROOT } from "./kafka-jars.ts";
import type { Scene } from "./scene.ts";
import type { Child } from "./sidecar-process.ts";

/** An application that was written for several SDKs, in one of them. */
export interface Sdk {
  readonly name: string;
  readonly start: (scene: Scene) => Child;
}

/** `test/support/apps/<name>` in the languages that this machine has. */
export function availableSdks(name: string): Sdk[] {
  const script = `test/support/apps/${name}`;
  const typescript: Sdk = {
    name: "TypeScript",
    start: (scene) => scene.startApplication(`${script}.js`),
  };
  const python = LANGUAGES.find((language) => language.name === "python");
  assert.ok(python);
  const missing = whyNot(python);
  if (missing !== null) {
    process.stdout.write(`NOT PROVED: ${name} with the Python SDK, because ${missing}\n`);
    return [typescript];
  }
  setUp(python);
  const interpreter = join(REPOSITORY_ROOT, "clients/python/.venv/bin/python");
  const path = join(REPOSITORY_ROOT, `${script}.py`);
  return [typescript, { name: "Python", start: (scene) => scene.startCommand(interpreter, path) }];
}
