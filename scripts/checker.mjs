// `npm run checker:streams`: the checker must find nothing wrong with Kafka Streams; `npm run recovery`:
// what a SIGKILL costs a sidecar and Kafka Streams; `npm run guarantees:record -- SUITE LOG`: what a
// suite's log ends with, published.
import { ensureBuilt, ensureInstalled, ROOT, run } from "./setup.mjs";

const [what = "", ...rest] = process.argv.slice(2);
const MAINS = ["streams", "recovery", "record"];
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
