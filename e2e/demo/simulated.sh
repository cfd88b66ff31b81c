#!/bin/bash
# The demo where real sites cannot be: the console with simulated clouds, labelled SIMULATED on every screen.
set -euo pipefail
# shellcheck source=e2e/demo/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
STATE=${XDG_STATE_HOME:-$HOME/.local/state}/crossfade-demo
DATA=$STATE/console
LOG=$STATE/console.log

cat <<TEXT
Two real sites cannot be built here; missing: ${1:-asked for}.
Starting the console with SIMULATED clouds instead: nothing that it shows is real.
TEXT
[ -z "$(console_pid "$DATA")" ] || die "It runs already: $URL  (Ctrl-C in its terminal ends it, or: make demo-clean)"
PHASES=2
trap 'exit 130' INT TERM HUP
trap 'status=$?; trap "" INT TERM HUP; console_stop "$DATA"; rm -rf "$STATE"; [ $status -ne 130 ] || status=0; exit $status' EXIT
phase "build (the first one takes its minutes)"
build_release
phase_done
phase "console"
mkdir -p "$STATE"
console_start "$DATA" "$LOG" --simulate
phase_done
cat <<TEXT

  console     $URL      SIMULATED
  user        admin
  password    $(cat "$DATA/initial-password")   (once: it asks for another)

Ctrl-C ends it.
TEXT
wait "$CONSOLE_PID" || true
tail -n 20 "$LOG" >&2
die "the console has ended by itself: its last words are above"
