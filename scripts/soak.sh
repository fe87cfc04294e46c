#!/usr/bin/env bash
# Rounds of simulation, metamorphic tests, laws, situations and kills, each with seeds of its own, until something fails or it is stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
round=0
while true; do
  round=$((round + 1))
  echo "round $round"
  cargo run --release --locked -q -p willet-testkit --bin simulate -- --seconds 600 --from $((round * 1000000))
  WILLET_METAMORPHIC_SECONDS=600 WILLET_SEED=$((round * 1000000)) cargo test --release --locked -q -p willet-core --test conformance -- --nocapture relations_hold
  cargo run --release --locked -q -p willet-testkit --bin laws -- --seconds 600 --from $((round * 1000000))
  cargo run --release --locked -q -p willet-testkit --bin situations -- --seeds $((round * 10))-$((round * 10 + 9)) --algorithm auto --verbose --least 90
  WILLET_BIN="$PWD/target/release/willet" WILLET_KILLS=200 WILLET_SEED=$round cargo test --locked -q -p willet --test cli -- --nocapture a_killed_
  cargo run --release --locked -q -p willet-testkit --bin fuzz -- --seconds 600 --from $((round * 1000000))
done
