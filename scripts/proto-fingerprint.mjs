// The SHA-256 of the proto files. Each SDK's generate.sh notes the one that its code was made from; a
// test compares, so that no SDK is forgotten when the protocol grows.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { argv, stdout } from "node:process";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../proto/outrigger/v1/", import.meta.url));

export function protoFingerprint() {
  const hash = createHash("sha256");
  for (const name of readdirSync(FOLDER).sort()) {
    const text = readFileSync(FOLDER + name, "utf8").replaceAll("\r\n", "\n");
    hash.update(`${name}\n${text}\n`);
  }
  return hash.digest("hex");
}

if (argv[1] === fileURLToPath(import.meta.url)) stdout.write(`${protoFingerprint()}\n`);
