#!/usr/bin/env bash
# Builds the Python package's wheel, installs it into an environment of its own, and tests it there: pytest (examples and docstrings
# with it), mypy, stubtest, ruff. PYTHON names the interpreter, VENV the environment, KAFKA_BOOTSTRAP_SERVERS a broker to use instead of
# one that is started here.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
venv=${VENV:-$target/python-test-venv}
wheels=$target/python-wheels
package=$root/crates/willet-py
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "$python is older than 3.10, which willet needs (PYTHON names another)" >&2; exit 2; }
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
# Tools as modules of this interpreter: the scripts in bin/ name the folder that the environment was made in, which need not be this one.
in_venv() { "$venv/bin/python" -m "$@"; }
if ! cmp -s "$package/requirements-test.txt" "$venv/installed"; then
  in_venv pip install -q -r "$package/requirements-test.txt"
  cp "$package/requirements-test.txt" "$venv/installed"
fi
if ! command -v redis-server >/dev/null && [ "$(id -u)" -eq 0 ] && [ -f /etc/debian_version ]; then
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends redis-server; } >/dev/null \
    || echo "redis-server could not be installed: the examples with Redis are skipped" >&2
fi

# While the wheel is built the broker starts.
kafka=$target/kafka broker=
if [ -z "${KAFKA_BOOTSTRAP_SERVERS:-}" ]; then
  mkdir -p "$kafka"
  rm -f "$kafka/address"
  "$root/scripts/kafka/run.sh" "$kafka" &
  broker=$!
  trap 'kill "$broker" 2>/dev/null || true; wait "$broker" 2>/dev/null || true' EXIT
  trap 'exit 130' INT TERM
fi

rm -rf "$wheels"
(cd "$package" && CARGO_TARGET_DIR=$target in_venv maturin build --release -q -o "$wheels" --interpreter "$venv/bin/python")
in_venv pip install -q --force-reinstall --no-deps "$wheels"/willet-*.whl

if [ -n "$broker" ]; then
  while [ ! -f "$kafka/address" ] && kill -0 "$broker" 2>/dev/null; do sleep 0.1; done
  if [ -f "$kafka/address" ]; then
    KAFKA_BOOTSTRAP_SERVERS=$(cat "$kafka/address")
    export KAFKA_BOOTSTRAP_SERVERS
  else
    ended=0
    wait "$broker" || ended=$?
    [ "$ended" -eq 3 ] || { echo "the Kafka broker did not start" >&2; exit 1; }
    echo "no Kafka broker: the example with Kafka is not run against one" >&2
  fi
fi

cd "$package"
installed=$("$venv/bin/python" -c 'import os, willet; print(os.path.dirname(willet.__file__))')
in_venv pytest -q -rs tests "$@"
in_venv pytest -q --doctest-modules "$installed" -p no:cacheprovider
in_venv mypy
in_venv mypy.stubtest willet._willet
in_venv ruff check -q python tests "$root/examples/python" "$root/bench/python_speed.py"
in_venv ruff format -q --check python tests "$root/examples/python" "$root/bench/python_speed.py"
echo "the Python package is sound"
