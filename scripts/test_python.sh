#!/usr/bin/env bash
# Builds the Python package's wheel, installs it into an environment of its own, and tests it there: pytest (examples and docstrings
# with it), mypy, stubtest, ruff. PYTHON names the interpreter, VENV the environment.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
venv=${VENV:-$target/python-test-venv}
wheels=$target/python-wheels
package=$root/crates/willet-py
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "$python is older than 3.10, which willet needs (PYTHON names another)" >&2; exit 2; }
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
if ! cmp -s "$package/requirements-test.txt" "$venv/installed"; then
  "$venv/bin/pip" install -q -r "$package/requirements-test.txt"
  cp "$package/requirements-test.txt" "$venv/installed"
fi
if ! command -v redis-server >/dev/null && [ "$(id -u)" -eq 0 ] && [ -f /etc/debian_version ]; then
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends redis-server; } >/dev/null \
    || echo "redis-server could not be installed: the examples with Redis are skipped" >&2
fi

rm -rf "$wheels"
(cd "$package" && CARGO_TARGET_DIR=$target "$venv/bin/maturin" build --release -q -o "$wheels" --interpreter "$venv/bin/python")
"$venv/bin/pip" install -q --force-reinstall --no-deps "$wheels"/willet-*.whl

cd "$package"
installed=$("$venv/bin/python" -c 'import os, willet; print(os.path.dirname(willet.__file__))')
"$venv/bin/python" -m pytest -q tests "$@"
"$venv/bin/python" -m pytest -q --doctest-modules "$installed" -p no:cacheprovider
"$venv/bin/mypy"
"$venv/bin/python" -m mypy.stubtest willet._willet
"$venv/bin/ruff" check -q python tests "$root/examples/python" "$root/bench/python_speed.py"
"$venv/bin/ruff" format -q --check python tests "$root/examples/python" "$root/bench/python_speed.py"
echo "the Python package is sound"
