// `node scripts/warm-bundle.mjs <bundle>`: makes V8's code cache, where there is none that it would take.
import { loadBundle } from "../dist/src/cli/bundle.js";
import { holdYoungGeneration } from "../dist/src/cli/collector.js";

holdYoungGeneration();
const bundle = loadBundle(process.argv[2]);
if (bundle === null) throw new Error("there is no bundle: npm run build");
if (!bundle.isCached) {
  await bundle.exports.loadSidecar();
  bundle.keepCache();
}
