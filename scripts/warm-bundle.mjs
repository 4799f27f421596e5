// `node scripts/warm-bundle.mjs <bundle>`: makes V8's code cache, where there is none that it would take.
import { loadBundle } from "../dist/src/cli/bundle.js";
import { asAtStart } from "../dist/src/cli/collector.js";
import { warmUp } from "./warm-up.mjs";

const bundle = loadBundle(process.argv[2]);
if (bundle === null) throw new Error("there is no bundle: npm run build");
if (!bundle.isCached) {
  await bundle.exports.loadSidecar();
  try {
    await warmUp(bundle.exports.runCli);
  } catch (error) {
    // A start is slower without: that is for the tests to say, and no reason to have no sidecar.
    process.stderr.write(`The code cache holds what a start loads alone: ${error.message}\n`);
  }
  asAtStart(bundle.keepCache);
}
process.exit();
