#!/usr/bin/env bash
# package.sh <empty folder>: packs the SDK and installs it into an empty project there, where a program is
# compiled against its types. With OUTRIGGER_ADDRESS set the program then serves, from `in` to `out`,
# until SIGTERM; without, `ok` is the last line.
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
"$here/scripts/setup.sh"
cd "$1"
quietly() { "$@" > build.log 2>&1 || { cat build.log >&2; exit 1; }; }

tarball="$(npm pack --silent --pack-destination "$PWD" "$here")"
echo '{ "name": "empty", "version": "1.0.0", "private": true, "type": "module" }' > package.json
quietly npm install --prefer-offline --no-audit --no-fund "./$tarball"
cat > app.ts <<'END'
import { createApp, utf8 } from "@outrigger/client";

const app = createApp({ defaultKeySerde: utf8, defaultValueSerde: utf8 });
app
  .stream("in")
  .mapValues((value) => value.toUpperCase())
  .to("out");
await app.run({ handleSignals: true });
END
quietly node "$here/../../node_modules/typescript/bin/tsc" --target es2023 --module nodenext --strict \
  --types '' app.ts
if [ -n "${OUTRIGGER_ADDRESS:-}" ]; then exec node app.js; fi
said="$(node app.js 2>&1 || true)"
[[ "$said" == *OUTRIGGER_ADDRESS* ]] || { echo "$said" >&2; exit 1; }
echo ok
