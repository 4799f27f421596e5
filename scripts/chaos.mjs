// `npm run chaos -- --runs N --seed S --fault NAME --results FILE`: set-up, then the chaos rig;
// `npm run chaos -- --mutants`: sidecars that break a rule, which the checker must find out.
import { ensureBuilt, ensureInstalled, ROOT, run } from "./setup.mjs";

ensureInstalled();
ensureBuilt();
const given = process.argv.slice(2);
const rest = given.filter((argument) => argument !== "--mutants");
const main = rest.length < given.length ? "test/checker/mutants-main.ts" : "test/chaos/main.ts";
const flags = ["--import", "tsx", "--conditions=@outrigger/source", main];
process.exit(run(process.execPath, [...flags, ...rest], { cwd: ROOT }));
