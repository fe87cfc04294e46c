#!/usr/bin/env bash
# Installs what a build needs and is missing, as root on Debian; elsewhere says what to install.
set -euo pipefail
missing=()
command -v cc >/dev/null || missing+=(build-essential)
if ! command -v cargo >/dev/null; then
  echo "cargo is missing, expected Rust 1.90 or newer (rustup.rs has it)" >&2
  exit 2
fi
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ] && [ -f /etc/debian_version ]; then
  apt-get update -q && apt-get install -y -q --no-install-recommends "${missing[@]}"
else
  echo "missing: ${missing[*]} (Debian's names; install them and try again)" >&2
  exit 2
fi
