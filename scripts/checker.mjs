// `npm run chaos:mutants`: sidecars that break a rule must be found out; `npm run checker:streams`: Kafka
// Streams must not be; `npm run guarantees:record -- SUITE LOG`: what a suite's log ends with, published.
import { ensureBuilt, ensureInstalled, ROOT, run } from "./setup.mjs";

const [what = "", ...rest] = process.argv.slice(2);
const MAINS = ["mutants", "streams", "record"];
if (!MAINS.includes(what)) {
  process.stdout.write(`"${what}" is none of ${MAINS.join(", ")}\n`);
  process.exit(2);
}
ensureInstalled();
if (what !== "record") ensureBuilt();
const flags = ["--import", "tsx", "--conditions=@outrigger/source"];
process.exit(
  run(process.execPath, [...flags, `test/checker/${what}-main.ts`, ...rest], { cwd: ROOT }),
);
