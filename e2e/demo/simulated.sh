#!/bin/bash
# The demo where real sites cannot be: the console with simulated clouds, labelled SIMULATED on every screen.
set -euo pipefail
# shellcheck source=e2e/demo/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
STATE=$SIMULATED
DATA=$STATE/console
LOG=$STATE/console.log

# Six of berlin's machines, in three tiers, as the demo on real sites has them.
protect() {
  local six
  until six=$(cli machine list site:berlin state:running cloud:berlin-1 | awk 'NR > 1 { print $1 }' | head -n 6) && [ "$(wc -w <<<"$six")" = 6 ]; do
    sleep 0.2
  done
  # shellcheck disable=SC2086
  set -- $six
  cli group add --name shop --protected-site berlin --recovery-site dublin --target dublin-1 --rpo 30 \
    --machine "$1" --machine "$2" --machine "$3" --machine "$4" --machine "$5" --machine "$6"
  cli plan add --name shop --group shop --priority "1=$1,$2" --priority "2=$3,$4" --priority "3=$5,$6" --health running
}

cat <<TEXT
Two real sites cannot be built here; missing: ${1:-asked for}.
Starting the console with SIMULATED clouds instead: nothing that it shows is real.
TEXT
[ -z "$(console_pid "$DATA")" ] || die "It runs already: $URL  (Ctrl-C in its terminal ends it, or: make demo-clean)"
PHASES=3
trap 'exit 130' INT TERM HUP
trap 'status=$?; trap "" INT TERM HUP; console_stop "$DATA"; rm -rf "$STATE"; [ $status -ne 130 ] || status=0; exit $status' EXIT
phase "build (the first one takes its minutes)"
build_release
phase_done
phase "console"
mkdir -p "$STATE"
console_start "$DATA" "$LOG" --simulate
phase_done
phase "protection, recovery plan, wallboard"
alive "group add" protect
WALLBOARD=$(wallboard)
phase_done
cat <<TEXT

  console     $URL      SIMULATED
  user        admin
  password    $(cat "$DATA/initial-password")   (once: it asks for another)
  wallboard   $WALLBOARD

In another terminal: make demo-disaster (berlin stops answering), make demo-return.
Ctrl-C ends it.
TEXT
wait "$CONSOLE_PID" || true
tail -n 20 "$LOG" >&2
die "the console has ended by itself: its last words are above"
