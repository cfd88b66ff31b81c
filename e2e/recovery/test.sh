#!/bin/bash
# Moves and failovers on real machines, with the node killed (kill -9) at random instants: same end, one copy, nothing lost.
#   e2e/recovery/test.sh [ROUNDS]      needs root and a release build; about a minute a round
set -euo pipefail
export CROSSFADE_LAB_ID=${CROSSFADE_LAB_ID:-4}
export CROSSFADE_DEMO_LISTEN=${CROSSFADE_DEMO_LISTEN:-127.0.0.1:$((8180 + CROSSFADE_LAB_ID))}
# shellcheck source=e2e/recovery/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
ROUNDS=${1:-3}

trap 'console_stop "$DATA"; "$LAB" down >/dev/null' EXIT
trap 'exit 130' INT TERM HUP

ok() { printf '  ok    %s\n' "$*"; }
counter() { "$LAB" counter "$1" | jq -r .counter; }

fresh() {
  console_stop "$DATA"
  "$LAB" down >/dev/null
  "$LAB" up >/dev/null
  eval "$("$LAB" env)"
  node_start
  connect_both
}

# Kills the node at random instants until the run is over.
harass() {
  local run=$1 names=$2 kills=0 name
  while ! run_over "$run"; do
    sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
    for name in $names; do one_copy "$name"; done
    if [ $((RANDOM % 2)) -eq 0 ] && ! run_over "$run"; then
      node_kill
      kills=$((kills + 1))
      node_start
    fi
    [ $kills -lt 12 ] || { run_wait "$run" 240; break; }
  done
  KILLS=$kills
}

a_move() {
  local before after run
  before=$(counter db1)
  run=$(move db1 "$CF_DB1_IP")
  harass "$run" db1
  [ "$(run_state "$run")" = succeeded ] || { run_told "$run"; die "the move did not succeed"; }
  one_copy db1
  [ "$("$LAB" virsh dublin domstate db1 | head -n 1)" = running ] || die "db1 does not run at dublin"
  after=$("$LAB" counter db1 | jq -r .counter_at_boot)
  [ "$after" -ge "$before" ] || die "the counter went back from $before to $after"
  ok "db1 moved, the node was killed $KILLS times; counter $before before, $after at its start there"
}

a_failover() {
  local run name
  protect_six 10
  "$LAB" kill berlin
  run=$(fail_over)
  harass "$run" "${SIX[*]}"
  [ "$(run_state "$run")" = succeeded ] || { run_told "$run"; die "the failover did not succeed"; }
  for name in "${SIX[@]}"; do
    [ "$("$LAB" virsh dublin domstate "$name" | head -n 1)" = running ] || die "$name does not run at dublin"
  done
  [ "$("$LAB" counter "$CF_SERVICE_IP" | jq -r .host)" = web1 ] || die "the service address does not reach web1"
  api GET "/runs/$run" | jq -c '.outcome | {rta_ms, rpa_ms}'
  "$LAB" return berlin
  sleep 5
  for name in "${SIX[@]}"; do one_copy "$name"; done
  ok "six machines failed over, the node was killed $KILLS times; berlin returned and its copies stay down"
}

# Goes on where a_failover ended: berlin is back, the machines run at dublin.
the_way_back() {
  local run name before
  declare -A before
  reprotect shop 300
  for name in "${SIX[@]}"; do before[$name]=$(counter_of "$name"); done
  run=$(fail_over_living dublin)
  harass "$run" "${SIX[*]}"
  [ "$(run_state "$run")" = succeeded ] || { run_told "$run"; die "the failback did not succeed"; }
  for name in "${SIX[@]}"; do
    one_copy "$name"
    runs_at berlin "$name" || die "$name does not run at berlin"
    [ "$(counter_of "$name" counter_at_boot)" -ge "${before[$name]}" ] || die "the counter of $name went back"
  done
  [ "$("$LAB" counter "$CF_SERVICE_IP" | jq -r .host)" = web1 ] || die "the service address does not reach web1"
  api GET "/runs/$run" | jq -c '.outcome | {rta_ms, rpa_ms}'
  ok "six machines are at berlin again, the node was killed $KILLS times; no counter went back"
  reprotect shop 300
  ok "and are protected to dublin again"
}

counter_of() {
  local var=CF_${1^^}_IP
  "$LAB" counter "${!var}" | jq -r ".${2:-counter}"
}

for round in $(seq "$ROUNDS"); do
  printf 'round %d of %d\n' "$round" "$ROUNDS"
  fresh
  a_move
  fresh
  a_failover
  the_way_back
done
