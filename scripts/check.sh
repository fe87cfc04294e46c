#!/usr/bin/env bash
# Formatting, lints with their bans, documentation, generated files, licences. What a machine cannot check is said.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
"$cargo" fmt --all --check
"$cargo" clippy --workspace --all-targets --locked -- -D warnings
# The core builds where there is no clock, no file and no thread.
wasm=wasm32-unknown-unknown
if [ -d "$(rustc --print sysroot)/lib/rustlib/$wasm" ] || rustup -q target add "$wasm" 2>/dev/null; then
  "$cargo" check --locked -q -p willet-core --target "$wasm"
else
  echo "not checked: that the core builds for $wasm (rustup target add $wasm)" >&2
fi
RUSTDOCFLAGS="-D warnings" "$cargo" doc --workspace --no-deps --locked -q
make -s gen OUT=target/gen
diff -r -x openapi.json -x wire.ts docs/generated target/gen
diff protocol/openapi.json target/gen/openapi.json
diff dashboard/src/wire.ts target/gen/wire.ts
if command -v cargo-deny >/dev/null; then
  "$cargo" deny --log-level error check bans licenses sources
else
  echo "not checked: licences and bans of deny.toml (cargo install cargo-deny)" >&2
fi
