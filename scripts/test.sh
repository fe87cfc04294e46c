#!/usr/bin/env bash
# Runs every part of the tests and prints what each took. Stops at the first part that fails.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
took=()
part() {
  local name=$1 begun=$SECONDS
  shift
  echo "== $name"
  "$@" || { echo "== $name failed after $((SECONDS - begun)) s" >&2; exit 1; }
  took+=("$(printf '%5d s  %s' $((SECONDS - begun)) "$name")")
}

part "workspace" "$cargo" test --workspace --exclude willet-py --locked --no-fail-fast -- \
  --skip relations_hold --skip a_killed_ --skip laws_hold
part "metamorphic relations" env WILLET_METAMORPHIC_SECONDS="$METAMORPHIC_SECONDS" \
  "$cargo" test --locked -p willet-core --test conformance -- --nocapture relations_hold
part "laws of verdicts" env WILLET_LAWS_SECONDS="$LAWS_SECONDS" \
  "$cargo" test --locked -p willet-testkit --test laws -- --nocapture laws_hold
part "kills" env WILLET_BIN="$PWD/$BIN" WILLET_KILLS="$KILLS" \
  "$cargo" test --locked -p willet --test cli -- --nocapture a_killed_
part "instructions of the hot paths" env CARGO="$cargo" scripts/instructions.sh
part "page in a browser" make e2e
part "HTTP contract" make contract
part "Python" make python-test
part "simulation" make sim

echo "== all parts passed in $SECONDS s"
printf '%s\n' "${took[@]}"
