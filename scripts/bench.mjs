// `npm run bench -- --quick`: set-up, then applications in every language beside Kafka Streams.
import { ensureBuilt, ensureInstalled, ROOT, run } from "./setup.mjs";

ensureInstalled();
ensureBuilt();
const flags = ["--import", "tsx", "--conditions=@outrigger/source"];
const main = "test/bench/side-by-side/main.ts";
process.exit(run(process.execPath, [...flags, main, ...process.argv.slice(2)], { cwd: ROOT }));
