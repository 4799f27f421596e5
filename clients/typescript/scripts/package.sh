#!/usr/bin/env bash
# Packs the SDK, installs it into an empty project in the folder given, and runs a program there.
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
cd "$1"
tarball="$(npm pack --silent --pack-destination "$PWD" "$here")"
echo '{ "name": "empty", "version": "1.0.0", "private": true, "type": "module" }' > package.json
npm install --silent --no-audit --no-fund "./$tarball"
cat > app.js <<'EOF'
import { createApp, utf8 } from "@outrigger/client";

const app = createApp({ address: "unix:/nowhere" });
app.stream("in", { key: utf8, value: utf8 }).to("out", { key: utf8, value: utf8 });
const stop = new AbortController();
stop.abort();
await app.run({ signal: stop.signal });
console.log("ok");
EOF
node app.js
