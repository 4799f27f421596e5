#!/usr/bin/env bash
# Builds the wheel, installs it into an empty environment in the folder given, and runs a program there.
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
"$here/scripts/setup.sh"
cd "$1"
export PIP_DISABLE_PIP_VERSION_CHECK=1
"$here/.venv/bin/python" -m build -q --wheel --no-isolation --outdir "$PWD" "$here" > build.log 2>&1 ||
  { cat build.log; exit 1; }
python3 -m venv venv
venv/bin/python -m pip install -q ./outrigger-*.whl
cat > app.py <<'EOF'
import importlib.resources

from outrigger import App, utf8

app = App(address="unix:/nowhere")
app.stream("in", key=utf8, value=utf8).to("out", key=utf8, value=utf8)
app.stop()
app.run()
assert importlib.resources.files("outrigger").joinpath("py.typed").is_file()
print("ok")
EOF
venv/bin/python app.py
