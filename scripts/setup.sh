#!/usr/bin/env bash
# Installs what is missing, as root on Debian; elsewhere says what to install. `setup.sh build` is what a build needs,
# `setup.sh test` what the tests need beside it.
set -euo pipefail
missing=()
command -v cc >/dev/null || missing+=(build-essential)
command -v cmake >/dev/null || missing+=(cmake)
if [ "${1:-build}" = test ]; then
  command -v chromium >/dev/null || missing+=(chromium)
  command -v node >/dev/null || missing+=(nodejs)
  command -v npm >/dev/null || missing+=(npm)
  python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
  # Where it cannot be installed, scripts/instructions.sh says that it counts nothing.
  if [ "$(id -u)" -eq 0 ] && [ -f /etc/debian_version ]; then
    command -v valgrind >/dev/null || missing+=(valgrind)
  fi
fi
if ! command -v cargo >/dev/null; then
  echo "cargo is missing, expected Rust 1.90 or newer (rustup.rs has it)" >&2
  exit 2
fi
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ] && [ -f /etc/debian_version ]; then
  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
else
  echo "missing: ${missing[*]} (Debian's names; install them and try again)" >&2
  exit 2
fi
