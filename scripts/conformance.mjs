// `npm run conformance -- <language>|all`: set-up, then the kit in this very process's place.
import { ensureBuilt, ensureInstalled, ROOT, run } from "./setup.mjs";

ensureInstalled();
ensureBuilt();
const flags = ["--import", "tsx", "--conditions=@outrigger/source", "test/conformance/main.ts"];
process.exit(run(process.execPath, [...flags, ...process.argv.slice(2)], { cwd: ROOT }));
