#!/usr/bin/env bash
# Counts the instructions that an event costs on each hot path (callgrind) and holds them against bench/instructions.txt: time on a
# machine that others share says little, counts say the same each time. Fails where a path costs over 3 % more; says where it costs
# over 3 % less, for then the file is to be written anew.
#
#   scripts/instructions.sh            compare
#   scripts/instructions.sh --bless    write bench/instructions.txt
#
# Counts depend on the compiler. Where another one runs than the file names they are printed and not compared.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
known=bench/instructions.txt
if ! command -v valgrind >/dev/null; then
  echo "NOT COUNTED: instructions of the hot paths, for valgrind is missing (Debian's name; install it and try again)" >&2
  exit 0
fi
# As `make build` does it, so that it is built already.
"$cargo" build --release --locked -q --bin instructions
program=${CARGO_TARGET_DIR:-target}/release/instructions
compiler="$(rustc --version), $(rustc -vV | sed -n 's/^host: //p')"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# count PATH once|twice: instructions of that run.
count() {
  local said=$work/$1-$2
  mkdir "$said"
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" "$said" >"$said.log" 2>&1 \
    || { cat "$said.log" >&2; return 1; }
  awk '/Collected :/ { print $NF }' "$said.log" >"$said.count"
}
export -f count
export work program
"$program" --list | while read -r path _; do printf '%s once\n%s twice\n' "$path" "$path"; done \
  | xargs -P "$(nproc)" -L 1 bash -c 'count "$0" "$1"'

"$program" --list | while read -r path events; do
  awk -v path="$path" -v events="$events" '{ n[NR] = $1 } END { printf "%s %.0f\n", path, (n[2] - n[1]) / events }' \
    "$work/$path-once.count" "$work/$path-twice.count"
done >"$work/found"

if [ "${1:-}" = --bless ]; then
  {
    echo "# Instructions of an event on each hot path, as scripts/instructions.sh counts them; --bless writes this file."
    echo "compiler $compiler"
    cat "$work/found"
  } >"$known"
  cat "$known"
  exit 0
fi
if [ "$(sed -n 's/^compiler //p' "$known")" != "$compiler" ]; then
  echo "NOT COMPARED: instructions of the hot paths are known for $(sed -n 's/^compiler //p' "$known"), and this is $compiler" >&2
  cat "$work/found"
  exit 0
fi
awk -v most=0.03 '
  FNR == NR { if (!/^#|^compiler /) known[$1] = $2; next }
  !($1 in known) { printf "%-18s %8d  new (--bless)\n", $1, $2; bad = 1; next }
  {
    change = $2 / known[$1] - 1
    word = ""
    if (change > most) { word = "  TOO MUCH: win it back, or say in the commit why it costs that (--bless)"; bad = 1 }
    if (change < -most) word = "  won: keep it (--bless)"
    printf "%-18s %8d  was %8d  %+6.1f %%%s\n", $1, $2, known[$1], 100 * change, word
    delete known[$1]
  }
  END { for (path in known) { printf "%-18s is counted no more (--bless)\n", path; bad = 1 }; exit bad }
' "$known" "$work/found"
