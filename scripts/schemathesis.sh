#!/usr/bin/env bash
# Sends a running service what its own document allows and forbids, and holds the answers against the document.
#
#   CONTRACT_SECONDS   time for generated requests (90)
#   CONTRACT_SEED      their seed (7)
#   WILLET_BIN         the binary, instead of the release build
#
# Ends non-zero on a finding, or when the service ended or failed on a request.
set -euo pipefail
cd "$(dirname "$0")/.."

TARGET=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
WILLET=${WILLET_BIN:-$TARGET/release/willet}
VENV=$TARGET/schemathesis-venv
VERSION=4.32.5
WORK=$(mktemp -d)
# Left out: positive_data_acceptance, since times, cursors, names and CSV are texts of which a schema says only that they are
# texts; object_level_authorization, since whoever may come in may see everything; ignored_auth, since none is asked on
# loopback (tests of the binary hold tokens against it).
CHECKS=(
  not_a_server_error status_code_conformance content_type_conformance response_headers_conformance
  response_schema_conformance negative_data_rejection missing_required_header unsupported_method
  allow_header_conformance use_after_free ensure_resource_availability
)

SERVER=
finish() {
  [ -z "$SERVER" ] || { kill "$SERVER" 2>/dev/null; wait "$SERVER"; } || true
  rm -rf "$WORK"
}
trap finish EXIT

if [ "$("$VENV/bin/st" --version 2>/dev/null | grep -o '[0-9.]*$')" != "$VERSION" ]; then
  python3 -m venv "$VENV"
  "$VENV/bin/pip" install --quiet "schemathesis==$VERSION"
fi

cat >"$WORK/willet.yaml" <<'YAML'
streams:
  - name: pumps
    detector: {algorithm: zscore}
YAML
# Half of the names are of things that are there; the others are made up.
cat >"$WORK/schemathesis.toml" <<'TOML'
[dictionaries]
streams = { values = ["pumps", "default"] }
keys = { values = ["pump-1", "pump-2", "pump-3"] }
ids = { values = ["pumps/0/604", "pumps/0/608", "pumps~0~604", "pumps~0~612"] }
times = { values = ["2026-01-05T03:00:00Z", "1767582000", "2026-01-05T05:00:00+01:00"] }

[parameters]
"query.stream" = { dictionary = "streams", probability = 0.5 }
"path.name" = { dictionary = "streams", probability = 0.5 }
"path.key" = { dictionary = "keys", probability = 0.5 }
"path.source" = { dictionary = "keys", probability = 0.5 }
"path.id" = { dictionary = "ids", probability = 0.3 }
"query.from" = { dictionary = "times", probability = 0.7 }
"query.to" = { dictionary = "times", probability = 0.7 }
TOML
python3 bench/client.py serve "$WORK/serve" "$WILLET" run --data-dir "$WORK/data" --config "$WORK/willet.yaml" 2>"$WORK/said" &
SERVER=$!
until [ -f "$WORK/serve" ]; do
  kill -0 "$SERVER" 2>/dev/null || { cat "$WORK/said" >&2; exit 1; }
  sleep 0.05
done
URL=http://127.0.0.1:$(awk '$1 == "port" { print $2 }' "$WORK/serve")

# Some hundred events with a spike in each of three sources: verdicts and alerts to find.
awk 'BEGIN {
  for (row = 0; row < 300; row++) for (pump = 1; pump <= 3; pump++) {
    value = row == 200 + pump ? 90 : 20 + (row * 37 % 11) / 10
    printf "{\"source\":\"pump-%d\",\"timestamp\":\"2026-01-05T%02d:%02d:00Z\",\"values\":{\"temperature\":%s,\"load\":%s}}\n", pump, row / 60, row % 60, value, 5 + (row * 17 % 7) / 10
  }
}' | curl --fail-with-body -sS -o /dev/null -H 'content-type: application/x-ndjson' --data-binary @- "$URL/api/v1/detect?stream=pumps"

# From the folder that goes away: it leaves files where it runs.
cd "$WORK"
FOUND=0
"$VENV/bin/st" --config-file "$WORK/schemathesis.toml" run "$URL/api/v1/openapi.json" \
  --checks "$(IFS=, && echo "${CHECKS[*]}")" \
  --max-time "${CONTRACT_SECONDS:-90}" --seed "${CONTRACT_SEED:-7}" --generation-database none --continue-on-failure || FOUND=$?

if grep '"level":"ERROR"\|panicked' "$WORK/said"; then
  echo "the service logged the errors above" >&2
  exit 1
fi
kill -0 "$SERVER" 2>/dev/null || { echo "the service ended" >&2; exit 1; }
exit "$FOUND"
