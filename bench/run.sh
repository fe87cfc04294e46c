#!/usr/bin/env bash
# Measures what the design claims, with the peers on the same rows, and writes bench/RESULTS.md; the part `kinds` writes the tables
# of docs/speed.md instead.
#
#   bench/run.sh                 all parts
#   bench/run.sh engine keys     some parts; RESULTS.md keeps the rows of the others from earlier runs here
#
# Parts: kinds engine iforest retrain detect log checkpoint keys service streams page. All data lie in target/bench and are removed at the
# end. SERVICE_SECONDS=2 makes the last two short, to see whether they work: their figures mean nothing then.
set -euo pipefail
cd "$(dirname "$0")/.."

PARTS=(kinds engine iforest retrain detect log checkpoint keys service streams page)
TARGET=${CARGO_TARGET_DIR:-target}
WORK=$TARGET/bench
ROWS=$TARGET/bench-rows
VENV=$TARGET/bench-venv
PYTHON=$VENV/bin/python
NODE=$TARGET/release/examples/bench_node
WILLET=$TARGET/release/willet
LOAD_BIN=$TARGET/release/examples/load

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

part_kinds() {
  local speed=$TARGET/release/examples/speed peers=$TARGET/peers/release/peers-rust far
  "$peers" rows >"$WORK/rows.csv"
  if ! cmp -s bench/requirements-speed.txt "$VENV-speed/installed"; then
    python3 -m venv "$VENV-speed"
    "$VENV-speed/bin/python" -m pip install --quiet -r bench/requirements-speed.txt
    cp bench/requirements-speed.txt "$VENV-speed/installed"
  fi
  measured "$WORK/kinds" "$speed"
  measured "$WORK/peers-rust" "$peers"
  measured "$WORK/peers-python" "$VENV-speed/bin/python" bench/peers_speed.py "$WORK/rows.csv"
  for far in "10000000 zscore" "10000000 hst d=10 n_estimators=25 depth=8" "10000000 hbos" "10000000 seasonal" "10000000 auto d=1" \
    "1000000 iforest" "1000000 rcf d=10" "300000 lof" "1000000 knn" "2000000 loda" "300000 ocsvm"; do
    measured "$WORK/far-lines" "$speed" --rows "${far%% *}" "${far#* }"
    cat "$WORK/far-lines" >>"$WORK/far"
  done
  python3 bench/speed_table.py "$WORK" docs/speed.md "$LOAD"
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
  measured "$WORK/log-lines" "$NODE" log "$WORK/log"
  local lines=$WORK/log-lines
  row "log, records of 150 bytes, 64 writers, batches of 100, synced and acknowledged" "500,000 records/s" \
    "$(thousands "$(value "$lines" records_per_second)") a second in $(value "$lines" commits_per_second) commits a second of $(thousands "$(value "$lines" commit_mean_bytes)") bytes" \
    "write and fdatasync alone, before the load: $(value "$lines" fdatasync_alone_small_per_second) a second of 4,096 bytes (sync p50 $(value "$lines" fdatasync_alone_small_p50) ms), $(value "$lines" fdatasync_alone_half_of_writers_per_second) of $(thousands "$(value "$lines" fdatasync_alone_half_of_writers_bytes)") (sync p50 $(value "$lines" fdatasync_alone_half_of_writers_p50) ms)" "bench_node log DIR"
  row "log, read back" "–" "$(thousands "$(value "$lines" read_records_per_second)") records a second" "–" "bench_node log DIR"
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

part_retrain() {
  local lines=$WORK/retrain-lines kind
  measured "$lines" "$TARGET/release/examples/bench_retrain"
  for kind in zscore hst iforest rcf lof ocsvm autoencoder ensemble auto; do
    row "longest wait of an event while $kind of ten values is trained anew on 1,000 rows" "50 ms" \
      "$(value "$lines" ${kind}_longest_training) ms ($(value "$lines" ${kind}_longest_before) before); $(value "$lines" ${kind}_events_of_training) events, $(value "$lines" ${kind}_without_score) without a score" "–" "bench_retrain"
  done
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

# seconds NUMBER: so many, or SERVICE_SECONDS.
seconds() { echo "${SERVICE_SECONDS:-$1}"; }

# serve NAME COMMAND...: runs it on a free port, waits until it is ready, and sets PORT and PID.
serve() {
  local lines=$WORK/$1-serve
  rm -f "$lines"
  python3 bench/client.py serve "$lines" "${@:2}" 2>"$WORK/$1-said" &
  SERVER=$!
  until [ -f "$lines" ]; do
    kill -0 $SERVER 2>/dev/null || { cat "$WORK/$1-said" >&2; exit 1; }
    sleep 0.05
  done
  PORT=$(value "$lines" port) PID=$(value "$lines" pid)
}

# stop: ends what `serve` began and waits for it.
stop() {
  kill "$SERVER" 2>/dev/null || true
  wait "$SERVER" || true
  SERVER=
}

# willet_serve NAME CONFIG: the service on a folder of that name.
willet_serve() { serve "$1" "$WILLET" run --data-dir "$WORK/$1" --config "$2"; }

resident() { awk '/VmRSS/ { printf "%.1f", $2 / 1024 }' "/proc/$PID/status"; }

# ingest FILE STREAM: drives whatever listens on PORT, and says what it acknowledged.
ingest() {
  measured "$WORK/$1" "$LOAD_BIN" ingest "$PORT" "$2" "$(seconds 15)" 4 >&2
  echo "$(thousands "$(value "$WORK/$1" acknowledged)") events a second, $(thousands "$(value "$WORK/$1" refused)") requests refused"
}

# fastapi WHAT STREAM: the peer under the same load.
fastapi() {
  PEER=$1 PEER_MODELS=${SERVICE_SECONDS:+10} serve "peer-$1" "$PYTHON" -m uvicorn --app-dir bench fastapi_peer:app --no-access-log --log-level warning
  ingest "peer-$1-lines" "$2" >"$WORK/peer-$1-row"
  echo "$(<"$WORK/peer-$1-row"), $(resident) MiB resident" >"$WORK/peer-$1-row"
  stop
}

# counted NAME: a number of the service's metrics, whole.
counted() { curl -s "http://127.0.0.1:$PORT/metrics" | awk -v name="$1" '$1 == name { printf "%.0f", $2 }'; }

# drained: waits, a minute at most, until what was acknowledged is judged too.
drained() {
  local turn
  for turn in {1..300}; do
    [ "$(counted willet_queue_bytes)" -gt 0 ] || return 0
    sleep 0.2
  done
  echo "after $((turn / 5)) s $(counted willet_queue_bytes) bytes are still on their way" >&2
}

part_service() {
  local config=$WORK/service.yaml lines half refused keys=1000000 days=30
  cat >"$config" <<'YAML'
streams:
  - name: bench
    detector: {algorithm: zscore}
  - name: trees
    detector: {algorithm: hst}
YAML
  [ -z "${SERVICE_SECONDS:-}" ] || keys=20000 days=1
  fastapi count bench
  fastapi river trees
  willet_serve service "$config"

  ingest bench bench >"$WORK/bench-row"
  row "service, z-score of 10 values, 1,000 keys, 4 connections, batches of 1,000 events of $(thousands "$(value "$WORK/bench" event_bytes)") bytes by HTTP, acknowledged when synced" \
    "400,000 events/s" "$(<"$WORK/bench-row")" "FastAPI, uvicorn and orjson, events counted, nothing detected or written: $(<"$WORK/peer-count-row")" \
    "load ingest PORT bench $(seconds 15) 4"
  drained
  ingest trees trees >"$WORK/trees-row"
  row "the same, hst 25 × 8" "150,000 events/s" "$(<"$WORK/trees-row")" \
    "FastAPI, uvicorn, orjson and River HalfSpaceTrees a key, nothing written: $(<"$WORK/peer-river-row")" "load ingest PORT trees $(seconds 15) 4"

  drained
  half=$(awk "BEGIN { printf \"%.0f\", $(value "$WORK/bench" acknowledged) / 2 }") lines=$WORK/latency
  measured "$lines" "$LOAD_BIN" latency "$PORT" bench "$(seconds 20)" "$half"
  row "service, from sending an event to its verdict on the socket, z-score, half the load above beside it" "p50 5 ms, p95 25 ms, p99 100 ms" \
    "p50 $(value "$lines" p50) ms, p95 $(value "$lines" p95) ms, p99 $(value "$lines" p99) ms of $(thousands "$(value "$lines" probes)"); $(thousands "$(value "$lines" offered)") events a second beside it" \
    "–" "load latency PORT bench $(seconds 20) $half"

  drained
  refused=$(counted willet_http_refused_total) lines=$WORK/overload
  measured "$lines" "$LOAD_BIN" overload "$PORT" bench "$(seconds 60)" 64
  row "service, 64 connections that send as fast as they can" "memory inside its bound, every refusal answered and counted, normal within 10 s" \
    "$(thousands "$(value "$lines" taken)") requests taken, $(thousands "$(value "$lines" refused_and_told)") refused and told, $(thousands "$(value "$lines" broken)") broken; \
the service counts $(($(counted willet_http_refused_total) - refused)) refused; at most $(thousands "$(value "$lines" memory_most)") MiB ($(thousands "$(value "$lines" memory_before)") before, $(thousands "$(value "$lines" memory_after)") after); normal after $(value "$lines" normal_after) s" \
    "–" "load overload PORT bench $(seconds 60) 64"
  stop
  rm -rf "$WORK/service"

  willet_serve fresh "$config"
  sleep "$(seconds 10)"
  row "service, idle, memory after $(seconds 10) s" "50 MB" "$(resident) MiB" "–" "willet run"
  stop
  rm -rf "$WORK/fresh"
  row "the binary, stripped" "40 MB" "$(awk "BEGIN { printf \"%.1f\", $(stat -c %s "$WILLET") / 1e6 }") MB" "–" "cargo build --release"

  willet_serve empty "$config"
  row "service, from start to ready, empty folder" "0.5 s" "$(value "$WORK/empty-serve" ready) s" "–" "willet run"
  measured "$WORK/fill" python3 bench/client.py fill "$PORT" bench $keys 2
  stop
  willet_serve empty "$config"
  row "the same, $(thousands "$keys") keys" "2 s" "$(value "$WORK/empty-serve" ready) s; $(resident) MiB resident" "–" "willet run"
  stop
  rm -rf "$WORK/empty"

  lines=$WORK/history
  measured "$lines" "$TARGET/release/examples/bench_history" 1001 "$days" "$WORK/history.sqlite"
  row "history of a source, a month of buckets of 5 minutes, two values, 1,000 sources beside it" "100 ms" \
    "$(sed -n 's/^history of a month, [0-9]* places: //p' "$lines")" "–" "bench_history 1001 $days FILE"
  rm -f "$WORK"/history.sqlite*
}

# threads: of the service.
threads() { awk '$1 == "Threads:" { print $2 }' "/proc/$PID/status"; }

part_streams() {
  local config=$WORK/streams.yaml lines=$WORK/streams-lines idle=9000
  echo 'streams: []' >"$config"
  [ -z "${SERVICE_SECONDS:-}" ] || idle=900
  willet_serve streams "$config"
  measured "$lines" "$LOAD_BIN" streams "$PORT" busy "$(seconds 20)" 990
  row "service, 990 streams of ten keys, z-score, 100 events a second each in batches of 100, to their verdicts" "no problem" \
    "$(thousands "$(value "$lines" sent)") events a second; p50 $(value "$lines" p50) ms, p95 $(value "$lines" p95) ms; $(threads) threads, $(resident) MiB" "–" \
    "load streams PORT busy $(seconds 20) 990"
  measured "$lines" "$LOAD_BIN" streams "$PORT" idle 0 $idle
  sleep "$(seconds 30)"
  row "the same and $(thousands $idle) idle streams" "no problem" \
    "made at $(thousands "$(value "$lines" made)") a second; $(threads) threads, $(resident) MiB" "–" "load streams PORT idle 0 $idle"
  stop
  rm -rf "$WORK/streams"
}

part_page() {
  local config=$WORK/page.yaml lines=$WORK/page-lines time
  time=$(seconds 300)
  if ! command -v "${CHROMIUM:-chromium}" >/dev/null; then
    echo "no Chromium (CHROMIUM names another one)" >&2
    row "page, overview for $time s" "no long task over 100 ms at p95, memory flat" "not measured: no Chromium here" "–" "node dashboard/e2e/load.mjs"
    return
  fi
  [ -d dashboard/node_modules ] || npm --prefix dashboard ci --no-audit --no-fund
  # Every event that is judged is an anomaly, so that each goes over the socket.
  cat >"$config" <<'YAML'
streams:
  - name: bench
    detector: {algorithm: zscore}
    decision: {threshold: 0.0001}
    source: {kind: synthetic, backfill_s: 20, keys: 1000, rate: 2120, troubles: []}
YAML
  willet_serve page "$config"
  # Until the past is worked off and every source is warm.
  sleep "$(seconds 20)"
  CHROMIUM=$(command -v "${CHROMIUM:-chromium}") node dashboard/e2e/load.mjs --url "http://127.0.0.1:$PORT" --seconds "$time" | tee "$WORK/page.json"
  python3 - "$WORK/page.json" >"$lines" <<'PYTHON'
import json, sys

found = json.load(open(sys.argv[1]))
tasks, heap, frames = found["long_tasks"], found["heap_bytes"], found["frames"]
print("messages", found["messages_per_second"], "1/s")
print("tasks", tasks["count"], "tasks")
print("p95", round(tasks["p95_ms"]), "ms")
print("max", round(tasks["max_ms"]), "ms")
print("frame_p95", frames["p95_ms"], "ms")
print("heap_begin", round(heap["begin"] / 2**20, 1), "MiB")
print("heap_end", round(heap["end"] / 2**20, 1), "MiB")
print("troubles", len(found["troubles"]), "messages")
PYTHON
  row "page, overview for $time s, 1,000 sources, $(thousands "$(value "$lines" messages)") messages a second" "no long task over 100 ms at p95, memory flat" \
    "$(value "$lines" tasks) long tasks, p95 $(value "$lines" p95) ms, longest $(value "$lines" max) ms; frames p95 $(value "$lines" frame_p95) ms; heap $(value "$lines" heap_begin) MiB, then $(value "$lines" heap_end) MiB; $(value "$lines" troubles) troubles" \
    "–" "node dashboard/e2e/load.mjs --url URL --seconds $time"
  stop
  rm -rf "$WORK/page"
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
SERVER=
trap '[ -z "$SERVER" ] || stop; rm -rf "$WORK"' EXIT
MACHINE=$(machine)
echo "$MACHINE"
if [[ " ${SELECTED[*]} " == *" kinds "* ]]; then
  cargo build --release --locked -p willet-core --example speed
  cargo build --release --locked --manifest-path bench/peers-rust/Cargo.toml --target-dir "$TARGET/peers"
fi
if [ "${SELECTED[*]}" != kinds ]; then
  echo "\$ cargo build --release --bin willet --example bench_node --example bench_retrain --example load --example bench_history"
  cargo build --release -p willet -p willet-engine -p willet-node -p willet-log -p willet-server -p willet-store \
    --bin willet --example bench_node --example bench_retrain --example load --example bench_history
  if ! cmp -s bench/requirements.txt "$VENV/installed"; then
    python3 -m venv "$VENV"
    "$PYTHON" -m pip install --quiet -r bench/requirements.txt
    cp bench/requirements.txt "$VENV/installed"
  fi
fi
for PART in "${SELECTED[@]}"; do
  echo "== $PART"
  LOAD=$(cut -d' ' -f1 /proc/loadavg)
  : >"$ROWS/$PART.md"
  "part_$PART"
done
if [ "${SELECTED[*]}" != kinds ]; then
  results >bench/RESULTS.md
  echo "== bench/RESULTS.md"
  cat bench/RESULTS.md
fi
