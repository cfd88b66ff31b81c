#!/bin/bash
# shellcheck disable=SC2119
# A machine moves from a real libvirt host to a real OpenStack and back to another libvirt host, through the REST API.
# Its own counter is the proof: an OpenStack that says ACTIVE proves nothing.
# Needs 'lab sites-up' and 'openstack up'; CROSSFADE_BIN names a build.
set -euo pipefail
# shellcheck source=e2e/recovery/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
OPENSTACK=$REPO/e2e/lab/openstack
NAME=wanderer
IP=10.88.$LAB_ID.150
# The second disk is a volume there, where the cloud has block storage.
DISKS=$((1 + ${CROSSFADE_CUMULUS_CINDER:-1}))
eval "$("$LAB" env)"
eval "$("$OPENSTACK" env)"

figure() { "$LAB" counter "$IP" | jq -r ".$1"; }

move_to() {
  local from=$1 to=$2 seen began run
  until_json 60 "$NAME runs at $from" "/machines?limit=500" ".items | any(.name == \"$NAME\" and .site == \"$from\" and .state == \"running\")"
  api POST /moves/preflight "$(request "$from" "$to")" | jq -r '.problems[] | "      \(.severity): \(.subject): \(.what)"'
  seen=$(figure counter)
  began=$(now_ms)
  run=$(api POST /moves "$(request "$from" "$to")" | jq -r .id)
  run_wait "$run" 420
  if [ "$(run_state "$run")" != succeeded ]; then run_told "$run"; die "the move to $to did not succeed"; fi
  api GET "/runs/$run" | jq -r '.steps[] | "      \((.finished_at - .started_at) / 1000) s\t\(.key)\t\(.message)"'
  say "      moved in $((($(now_ms) - began) / 1000)) s; seen before: $seen, counter at boot: $(figure counter_at_boot), boots: $(figure boots)"
  [ "$(figure counter_at_boot)" -ge "$seen" ] || die "writes were lost on the way to $to"
  [ "$DISKS" = 1 ] || [ "$(figure counter2_at_boot)" -ge "$seen" ] || die "writes to the second disk were lost on the way to $to"
  [ ! -e "$DATA/two-copies" ] || die "TWO COPIES of $NAME ran"
}
request() {
  jq -n --arg m "$(machine_id "$NAME" "$1")" --arg t "$(cloud_id "$2")" --arg ip "$IP" '{machine_id: $m, target_cloud_id: $t,
    storage: [{from: "image", to: "images"}], health: {type: "http", address: $ip, port: 80, path: "/status"}, stop_timeout_seconds: 30}'
}

finish() {
  [ -z "${WATCHER:-}" ] || kill "$WATCHER" 2>/dev/null || true
  node_kill
}
trap finish EXIT
PHASES=4
phase "a node, three clouds, one machine at berlin"
rm -rf "$DATA"
node_start
for site in berlin dublin; do api POST /clouds "$(cloud_body "$site")" >/dev/null; done
api POST /clouds/probe "$(cumulus_body)" | jq -c '{ok, identity, version, machines, problems: [.problems[].what]}'
api POST /clouds "$(cumulus_body)" >/dev/null
"$LAB" virsh berlin domstate $NAME >/dev/null 2>&1 || "$LAB" machine $NAME berlin ip=150 tags=prod,tier=app disks=$DISKS
"$LAB" wait $NAME
watch_copies "$NAME" &
WATCHER=$!
phase_done
phase "berlin → cumulus"
move_to berlin cumulus
api GET "/clouds/$(cloud_id cumulus)/requests" | jq -c '{asked: .total, by: [.counts[] | "\(.service) \(.kind) \(.total)"]}' | sed 's/^/      /'
phase_done
phase "power by the API: stop and start at cumulus"
at=$(machine_id $NAME cumulus)
api POST "/machines/$at/power" '{"action": "stop"}' >/dev/null
until_json 60 "it is off" "/machines/$at" '.state == "stopped"'
api POST "/machines/$at/power" '{"action": "start"}' >/dev/null
until_json 90 "it runs" "/machines/$at" '.state == "running"'
"$LAB" wait "$IP"
[ "$(figure boots)" = 3 ] || die "it did not boot from its disk: boots $(figure boots)"
phase_done
phase "cumulus → dublin"
move_to cumulus dublin
"$OPENSTACK" client server list --all-projects -f value -c Name -c Status | sed 's/^/      at cumulus: /'
"$OPENSTACK" client image list -f value -c Name | grep crossfade | sed 's/^/      at cumulus: /' || true
phase_done
