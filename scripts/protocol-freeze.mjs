// `npm run protocol:freeze`: takes the protocol as it stands to be what every later one must keep. Run it
// when a minor version is released; it refuses a protocol that breaks the one that was frozen before.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ensureInstalled, ROOT, run } from "./setup.mjs";

const FROZEN = "test/golden/protocol-v1.binpb";

ensureInstalled();
const buf = join(ROOT, "node_modules/.bin/buf");
const broken = existsSync(join(ROOT, FROZEN)) ? run(buf, ["breaking", "--against", FROZEN]) : 0;
if (broken !== 0) process.exit(broken);
process.exit(run(buf, ["build", "--exclude-source-info", "-o", FROZEN]));
