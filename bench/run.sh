#!/usr/bin/env bash
# Measures what the design claims, with the peers on the same rows, and writes bench/RESULTS.md.
#
#   bench/run.sh                 all parts
#   bench/run.sh engine keys     some parts; RESULTS.md keeps the rows of the others from earlier runs here
#
# Parts: core engine iforest detect log checkpoint keys. All data lie in target/bench and are removed at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

PARTS=(core engine iforest detect log checkpoint keys)
TARGET=${CARGO_TARGET_DIR:-target}
WORK=$TARGET/bench
ROWS=$TARGET/bench-rows
VENV=$TARGET/bench-venv
PYTHON=$VENV/bin/python
NODE=$TARGET/release/examples/bench_node
WILLET=$TARGET/release/willet

# What is said to the reader is run as it is said: `measured FILE COMMAND...` keeps the lines of `name value unit`.
measured() {
  local lines=$1
  shift
  echo "\$ ${*//$TARGET/target}"
  "$@" | tee "$lines"
}

# value FILE NAME: the value of a line.
value() { awk -v name="$2" '$1 == name { print $2 }' "$1"; }

# thousands NUMBER: 1234567.8 as 1,234,568.
thousands() { LC_ALL=C awk -v n="$1" 'BEGIN { s = sprintf("%.0f", n); while (s ~ /^[0-9][0-9][0-9][0-9]/) { sub(/[0-9][0-9][0-9]($|,)/, ",&", s) } print s }'; }

# rate FILE NAME: by wall and by core time.
rate() { echo "$(thousands "$(value "$1" "$2")") a second; $(thousands "$(value "$1" "${2}_cpu")") a core second"; }

# row NAME ASKED MEASURED PEER COMMAND: a line of the table.
row() { echo "| $1 | $2 | $3 | $4 | $LOAD | \`${5//$TARGET/target}\` |" >>"$ROWS/$PART.md"; }

engine_row() { # NAME ASKED PEER ALGORITHM WIDTH KEYS EVENTS FORM
  local lines=$WORK/engine-$4-$5-$6-$8 command=(engine "$4" "$5" "$6" "$7" "$8")
  measured "$lines" "$NODE" "${command[@]}"
  row "$1" "$2" "$(rate "$lines" events_per_second); $(value "$lines" occupancy) MiB of series" "$3" "bench_node ${command[*]}"
}

peer() { # PART FILE ROWS LINE: runs a peer, prints what the table says of it
  measured "$WORK/peer-$1" "$PYTHON" bench/peers.py "$1" "$2" "$3" >&2
  rate "$WORK/peer-$1" "$4"
}

part_core() {
  measured "$WORK/core" "$NODE" core
  local name
  for name in zscore robust_zscore ewma iqr mad hst iforest ensemble; do
    row "core, $name, score and learn a row" "–" \
      "$(value "$WORK/core" "${name}_d1") ns with 1 value, $(value "$WORK/core" "${name}_d10") ns with 10 (core time)" "–" "bench_node core"
  done
}

part_engine() {
  "$NODE" rows 1 10000 200000 >"$WORK/zscore.csv"
  "$NODE" rows 10 10 20000 >"$WORK/hst.csv"
  local river
  river=$(peer zscore "$WORK/zscore.csv" 200000 river_gaussian_scorer)
  engine_row "engine, z-score, 1 value, 10,000 keys, one core" "1,000,000 events/s" "River GaussianScorer a key: $river" zscore 1 10000 8000000 decoded
  engine_row "the same, decoded from CSV" "–" "–" zscore 1 10000 4000000 csv
  engine_row "the same, decoded from NDJSON" "–" "–" zscore 1 10000 4000000 ndjson
  river=$(peer hst "$WORK/hst.csv" 10000 river_half_space_trees)
  engine_row "engine, hst 25 × 8, 10 values, 10 keys, one core" "400,000 events/s" "River HalfSpaceTrees a key: $river" hst 10 10 2000000 decoded
  engine_row "the same, 10,000 keys" "–" "–" hst 10 10000 3000000 decoded
}

part_iforest() {
  "$NODE" rows 10 1 2000 >"$WORK/iforest.csv"
  local sklearn
  sklearn=$(peer iforest "$WORK/iforest.csv" 300 sklearn_isolation_forest)
  engine_row "engine, iforest 100 trees, window 1,000, all renewed in 100 rows, 10 values, one core" \
    "20,000 events/s; 100 × scikit-learn" "scikit-learn, the same refits, a row at a time: $sklearn" iforest 10 10 100000 decoded
}

detect_row() { # NAME ASKED ROWS FILE PEER STDOUT
  local lines=$WORK/detect-lines command=(detect --quiet "$4" --format csv)
  measured "$lines" python3 bench/measure.py --stdout "$6" "$WILLET" "${command[@]}"
  local wall cpu
  wall=$(value "$lines" wall) cpu=$(value "$lines" cpu)
  row "$1" "$2" "$(thousands "$(awk "BEGIN { print $3 / $wall }")") a second; $(thousands "$(awk "BEGIN { print $3 / $cpu }")") a core second; at most $(value "$lines" rss) MiB" \
    "$5" "willet ${command[*]} > ${6##*/}"
}

part_detect() {
  "$NODE" rows 1 0 10000000 >"$WORK/ten.csv"
  head -n 1000001 "$WORK/ten.csv" >"$WORK/one.csv"
  local river
  river=$(peer detect "$WORK/ten.csv" 200000 river_csv_loop)
  detect_row "willet detect, CSV of 10,000,000 values, two cores" "3,000,000 rows/s" 10000000 "$WORK/ten.csv" "csv module and River GaussianScorer: $river" /dev/null
  detect_row "the same, 1,000,000 values" "the same memory" 1000000 "$WORK/one.csv" "–" /dev/null
  detect_row "the same, 10,000,000 values, into a file" "–" 10000000 "$WORK/ten.csv" "–" "$WORK/scored.csv"
  rm -f "$WORK"/*.csv
}

part_log() {
  mkdir -p "$WORK/log"
  measured "$WORK/log-lines" "$TARGET/release/examples/bench_log" "$WORK/log"
  local lines=$WORK/log-lines
  row "log, records of 150 bytes, 64 writers, batches of 100, synced and acknowledged" "500,000 records/s" \
    "$(thousands "$(value "$lines" records_per_second)") a second in $(value "$lines" commits_per_second) commits a second of $(thousands "$(value "$lines" commit_mean_bytes)") bytes" \
    "write and fdatasync alone, before the load: $(value "$lines" fdatasync_alone_small_per_second) a second of 4,096 bytes (sync p50 $(value "$lines" fdatasync_alone_small_p50) ms), $(value "$lines" fdatasync_alone_half_of_writers_per_second) of $(thousands "$(value "$lines" fdatasync_alone_half_of_writers_bytes)") (sync p50 $(value "$lines" fdatasync_alone_half_of_writers_p50) ms)" "bench_log DIR"
  row "log, read back" "–" "$(thousands "$(value "$lines" read_records_per_second)") records a second" "–" "bench_log DIR"
}

part_checkpoint() {
  local lines=$WORK/checkpoint-lines keys=1000000
  measured "$lines" "$NODE" checkpoint "$WORK/checkpoint" $keys 64 256
  delays() { echo "p50 $(value "$lines" "$1_delay_p50") ms, p99 $(value "$lines" "$1_delay_p99") ms, longest $(value "$lines" "$1_delay_max") ms"; }
  local command="bench_node checkpoint DIR $keys 64 256" round
  row "delay of a batch of 1,000, no checkpoint" "–" "$(delays without)" "–" "$command"
  for round in first second third; do
    row "the same, while the $round checkpoint of 1,000,000 changed keys runs" "longest 50 ms" \
      "$(delays $round); it takes $(value "$lines" ${round}_seconds) s" "–" "$command"
    row "the same, after it (old files go)" "longest 50 ms" "$(delays after_$round)" "–" "$command"
  done
  rm -rf "$WORK/checkpoint"
}

part_keys() {
  local lines=$WORK/keys-lines keys
  for keys in "1000000 64" "100000 300"; do
    # shellcheck disable=SC2086 # two arguments
    measured "$lines" "$NODE" memory $keys
    row "memory of a key of z-score, $(thousands "${keys% *}") keys of ${keys#* } events" "2,048 bytes" \
      "$(value "$lines" resident) bytes resident; the engine counts $(value "$lines" occupancy_series) and $(value "$lines" occupancy_index) of index" "–" "bench_node memory $keys"
  done
  measured "$lines" "$NODE" fill "$WORK/keys" 1000000 16
  measured "$lines" "$NODE" restart "$WORK/keys"
  row "restart with a checkpoint of 1,000,000 keys, to the first verdict" "2 s" \
    "$(value "$lines" restart_to_first_verdict) s, $(value "$lines" open_cpu) s of it core time; $(value "$lines" resident) MiB resident" "–" "bench_node restart DIR"
  rm -rf "$WORK/keys"
}

machine() {
  echo "- processor: $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores"
  echo "- memory: $(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)"
  echo "- system: $(uname -s) $(uname -r | cut -d- -f1), data on $(stat -f -c %T "$WORK")"
}

results() {
  echo "# Measured"
  echo
  cat <<'TEXT'
Written by `make bench` (`bench/run.sh`). "A second" is wall time, "a core second" is time on a core. Load is the system's load
average before the part, the parts before it included: well above 1 something else shared the machine, and what is measured is
worse than it could be. "The same" is the row above it with what is said changed. Writing and syncing alone is one loop without
overlap: it says what kind of disk this is, it is no bound for the log.
TEXT
  echo
  echo "$MACHINE"
  echo
  echo "| what | asked | measured | peer in the same run | load before | command |"
  echo "|---|---|---|---|---|---|"
  local part
  for part in "${PARTS[@]}"; do
    cat "$ROWS/$part.md" 2>/dev/null || true
  done
}

SELECTED=("$@")
[ ${#SELECTED[@]} -gt 0 ] || SELECTED=("${PARTS[@]}")
for part in "${SELECTED[@]}"; do
  [[ " ${PARTS[*]} " == *" $part "* ]] || { echo "no part \`$part\`, expected one of ${PARTS[*]}" >&2; exit 2; }
done

mkdir -p "$WORK" "$ROWS"
trap 'rm -rf "$WORK"' EXIT
MACHINE=$(machine)
echo "$MACHINE"
echo "\$ cargo build --release --bin willet --example bench_node --example bench_log"
cargo build --release -p willet -p willet-node -p willet-log --bin willet --example bench_node --example bench_log
if [ ! -x "$PYTHON" ]; then
  python3 -m venv "$VENV"
  "$PYTHON" -m pip install --quiet -r bench/requirements.txt
fi
for PART in "${SELECTED[@]}"; do
  echo "== $PART"
  LOAD=$(cut -d' ' -f1 /proc/loadavg)
  : >"$ROWS/$PART.md"
  "part_$PART"
done
results >bench/RESULTS.md
echo "== bench/RESULTS.md"
cat bench/RESULTS.md
