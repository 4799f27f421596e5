#!/usr/bin/env bash
# package.sh <empty folder>: builds the wheel and installs it into an empty environment there, of the
# oldest Python that is supported where the machine has it. With OUTRIGGER_ADDRESS set a program then
# serves, from `in` to `out`, until SIGTERM; without, `ok` is the last line.
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
"$here/scripts/setup.sh"
cd "$1"
export PIP_DISABLE_PIP_VERSION_CHECK=1
quietly() { "$@" > build.log 2>&1 || { cat build.log >&2; exit 1; }; }

# A version manager's python3.10 may be there without being the one that is chosen.
oldest() {
  local one
  for one in python3.10 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.10.*/bin/python python3; do
    if "$one" -c 'import venv' 2> /dev/null; then echo "$one"; return; fi
  done
}

quietly "$here/.venv/bin/python" -m build --wheel --no-isolation --outdir "$PWD" "$here"
quietly "$(oldest)" -m venv venv
quietly venv/bin/python -m pip install ./outrigger-*.whl
cat > app.py <<'END'
import importlib.resources
import logging

from outrigger import App, utf8

assert importlib.resources.files("outrigger").joinpath("py.typed").is_file()
logging.basicConfig(level=logging.INFO)
app = App(default_key=utf8, default_value=utf8)
app.stream("in").map_values(str.upper).to("out")
app.run(handle_signals=True)
END
if [ -n "${OUTRIGGER_ADDRESS:-}" ]; then exec venv/bin/python app.py; fi
said="$(venv/bin/python app.py 2>&1 || true)"
[[ "$said" == *OUTRIGGER_ADDRESS* ]] || { echo "$said" >&2; exit 1; }
echo ok
