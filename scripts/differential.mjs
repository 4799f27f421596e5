// `npm run test:differential -- [--full] [--only TEXT] [--seed N] [--seeds N]`: the same topologies and input
// by Kafka Streams and by us.
import { ensureBuilt, ensureInstalled, ROOT, run } from "./setup.mjs";

ensureInstalled();
// Real instances are compiled ones.
if (process.argv.includes("--full")) ensureBuilt();
const flags = ["--import", "tsx", "--conditions=@outrigger/source"];
const main = "test/differential/main.ts";
process.exit(run(process.execPath, [...flags, main, ...process.argv.slice(2)], { cwd: ROOT }));
