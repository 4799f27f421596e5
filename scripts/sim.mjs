// `npm run sim -- --seed N --seeds M`, `--mutants`, `--plan file`: set-up, then the simulator.
import { ensureInstalled, ROOT, run } from "./setup.mjs";

ensureInstalled();
const flags = ["--import", "tsx", "--conditions=@outrigger/source", "test/sim/main.ts"];
process.exit(run(process.execPath, [...flags, ...process.argv.slice(2)], { cwd: ROOT }));
