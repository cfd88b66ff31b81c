#!/bin/bash
# shellcheck disable=SC2119
# A machine of a real libvirt host has an address of its site's own subnet. Its site is lost: it comes up at the other one with an
# address of the subnet there, and with its old one when it goes back. It must answer there itself; its counter is the proof that nothing
# was lost. Needs 'lab sites-up'; CROSSFADE_BIN names a build.
set -euo pipefail
# shellcheck source=e2e/recovery/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
eval "$("$LAB" env)"
NAME=nomad
HOME_NET=10.77.$((LAB_ID * 10 + 1)) AWAY_NET=10.77.$((LAB_ID * 10 + 2))
AT_HOME=$HOME_NET.61 AWAY=$AWAY_NET.61
RULE="{from: \"$HOME_NET.0/24 via $HOME_NET.1\", to: \"$AWAY_NET.0/24 via $AWAY_NET.1 dns $AWAY_NET.53\"}"

counter() { "$LAB" counter "$1" | jq -r ".$2"; }
# came SITE ADDRESS BEFORE: it runs there alone, answers on that address, and lacks nothing.
came() {
  local at
  "$LAB" wait "$2"
  at=$(counter "$2" counter_at_boot)
  say "      $NAME at $1 answers on $2: counter at boot $at, before $3"
  runs_at "$1" "$NAME" || die "$NAME does not run at $1"
  [ "$at" -ge "$3" ] || die "writes were lost"
  one_copy "$NAME"
}
# go BODY OF A RUN'S ANSWER: to its end, which must be a good one.
go() {
  run_wait "$1" 200
  api GET "/runs/$1" | jq -r '.steps[] | select(.kind == "compare" or .kind == "health") | "      \(.key)\t\(.message)"'
  [ "$(run_state "$1")" = succeeded ] || { run_told "$1"; die "the run did not succeed"; }
}
finish() { node_kill; }
trap finish EXIT
PHASES=4
phase "a node, two sites, one machine in berlin's own subnet, protected with a rule for its addresses"
rm -rf "$DATA"
node_start
for site in berlin dublin; do api POST /clouds "$(cloud_body "$site")" >/dev/null; done
"$LAB" virsh berlin domstate "$NAME" >/dev/null 2>&1 || "$LAB" machine "$NAME" berlin ip="$AT_HOME" seed=1
"$LAB" wait "$AT_HOME"
until_json 60 "it is seen" "/machines?limit=500" "[.items[] | select(.name == \"$NAME\" and .state == \"running\")] | length == 1"
GROUP=$(api POST /groups "$(jq -n --arg t "$(cloud_id dublin)" --arg m "$(machine_id "$NAME" berlin)" "{name: \"nomads\", protected_site: \"berlin\",
  recovery_site: \"dublin\", target_cloud_id: \$t, policy: {rpo_seconds: 5, keep_points: 4, keep_hours: 1}, machine_ids: [\$m], networks: [$RULE]}")" | jq -r .id)
until_json 120 "it has a recovery point" "/groups/$GROUP" '.members[0].replication.newest_point_at != null'
api POST /plans "$(api GET "/groups/$GROUP" | jq '{name: "nomads", group_ids: [.id], machines: [.members[] |
  {member_id: .id, priority: 3, health_timeout_seconds: 120, health: {type: "http", port: 80, path: "/status"}}]}')" |
  jq -r '.problems[] | "      \(.severity): \(.subject): \(.what)"'
phase_done
phase "berlin is lost, and it comes up at dublin in dublin's subnet"
before=$(counter "$AT_HOME" counter)
point=$(api GET "/groups/$GROUP" | jq '.members[0].replication.newest_point_at')
until_json 60 "a newer point" "/groups/$GROUP" ".members[0].replication.newest_point_at > $point"
"$LAB" kill berlin
until_json 30 "berlin is down" /overview '.sites[] | select(.name == "berlin") | .status == "down"'
go "$(fail_over)"
came dublin "$AWAY" "$before"
phase_done
phase "berlin returns; protected from dublin, it goes back and has its old address again"
"$LAB" return berlin
reprotect nomads 120
api GET "/groups/$GROUP" | jq -r '.networks[] | "      \(.from) → \(.to)"'
before=$(counter "$AWAY" counter)
go "$(fail_over_living dublin)"
came berlin "$AT_HOME" "$before"
phase_done
phase "a plain move with a rule of its own, to one other address"
api DELETE "/groups/$GROUP/members/$(api GET "/groups/$GROUP" | jq -r '.members[0].id')" >/dev/null
before=$(counter "$AT_HOME" counter)
go "$(api POST /moves "$(jq -n --arg m "$(machine_id "$NAME" berlin)" --arg t "$(cloud_id dublin)" --arg f "$AT_HOME/24" --arg a "$AWAY_NET.62/24 via $AWAY_NET.1" \
  '{machine_id: $m, target_cloud_id: $t, networks: [{from: $f, to: $a}], health: {type: "http", port: 80, path: "/status"}, stop_timeout_seconds: 20}')" | jq -r .id)"
came dublin "$AWAY_NET.62" "$before"
phase_done
