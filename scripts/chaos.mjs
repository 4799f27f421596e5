// `npm run chaos -- --runs N --seed S --fault NAME --results FILE`: set-up, then the chaos rig.
import { ensureBuilt, ensureInstalled, ROOT, run } from "./setup.mjs";

ensureInstalled();
ensureBuilt();
const flags = ["--import", "tsx", "--conditions=@outrigger/source", "test/chaos/main.ts"];
process.exit(run(process.execPath, [...flags, ...process.argv.slice(2)], { cwd: ROOT }));
