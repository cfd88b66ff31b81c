#!/bin/bash
# shellcheck disable=SC2119
# Two machines of a real libvirt host are replicated to another one and to a real OpenStack besides. The site is lost, and they
# come up at the OpenStack, with a floating address; from there they go on to the near host, which was served all the time.
# Their own counters are the proof. Needs 'lab sites-up' and 'openstack up'; CROSSFADE_BIN names a build.
set -euo pipefail
# shellcheck source=e2e/recovery/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
OPENSTACK=$REPO/e2e/lab/openstack
TWO=(twin1 twin2)
FLOATING=198.18.$LAB_ID.10
declare -A IP=([twin1]=10.88.$LAB_ID.151 [twin2]=10.88.$LAB_ID.152)
eval "$("$LAB" env)"
eval "$("$OPENSTACK" env)"

# figure NAME FIELD, of the machine's own status.
figure() { "$LAB" counter "${IP[$1]}" | jq -r ".$2"; }
everywhere() {
  until_json "$1" "every machine has a recovery point at each target" "/groups/$GROUP" \
    '[.members[], .further[].members[]] | length == '"$2"' and all(.replication.newest_point_at != null)'
  api GET "/groups/$GROUP" | jq -r '. as $g | (.members[] | "      \($g.target_cloud)\t\(.name)\t\(.replication.points) points"),
    (.further[] | .cloud as $c | .members[] | "      \($c)\t\(.name)\t\(.replication.points) points")'
}
# come_up SITE TARGET STATEMENT: the site is failed over to the target, and nothing that was replicated is missing.
come_up() {
  local site=$1 target=$2 statement=$3 run name began
  began=$(now_ms)
  run=$(api POST "/sites/$site/failover" "$(jq -n --arg s "$site" --arg g "$GROUP" --arg c "$(cloud_id "$target")" --arg said "$statement" \
    '{confirm: $s, targets: [{group_id: $g, cloud_id: $c}]} + if $said == "" then {} else {statement: $said} end')" | jq -r .id)
  run_wait "$run" 420
  if [ "$(run_state "$run")" != succeeded ]; then run_told "$run"; die "the failover to $target did not succeed"; fi
  api GET "/runs/$run" | jq -r '.steps[] | select(.message != null) | "      \(.key)\t\(.message)"'
  for name in "${TWO[@]}"; do
    "$LAB" wait "${IP[$name]}"
    say "      $name at $target: counter at boot $(figure "$name" counter_at_boot), before: ${COUNTER[$name]}; up after $((($(now_ms) - began) / 1000)) s"
    [ "$(figure "$name" counter_at_boot)" -ge "${COUNTER[$name]}" ] || die "writes of $name were lost"
  done
  [ ! -e "$DATA/two-copies" ] || die "TWO COPIES ran: $(cat "$DATA/two-copies")"
}
# What each machine had written when its newest recovery points were taken, or before.
note_counters() {
  local name
  for name in "${TWO[@]}"; do COUNTER[$name]=$(figure "$name" counter); done
}
declare -A COUNTER

finish() {
  [ -z "${WATCHER:-}" ] || kill "$WATCHER" 2>/dev/null || true
  node_kill
}
trap finish EXIT
PHASES=5
phase "a node, three clouds, two machines at berlin"
rm -rf "$DATA"
node_start
for site in berlin dublin; do api POST /clouds "$(cloud_body "$site")" >/dev/null; done
api POST /clouds "$(cumulus_body)" >/dev/null
for name in "${TWO[@]}"; do
  "$LAB" virsh berlin domstate "$name" >/dev/null 2>&1 || "$LAB" machine "$name" berlin ip="${IP[$name]##*.}" tags=prod
done
"$LAB" wait "${TWO[@]}"
until_json 60 "both are seen" "/machines?limit=500" '[.items[] | select(.state == "running" and (.name | startswith("twin")))] | length == 2'
watch_copies "${TWO[@]}" &
WATCHER=$!
phase_done
phase "replicated to dublin every 10 s, and to cumulus every minute"
ids=(); for name in "${TWO[@]}"; do ids+=("$(machine_id "$name" berlin)"); done
GROUP=$(api POST /groups "$(jq -n --arg t "$(cloud_id dublin)" '{name: "twins", protected_site: "berlin", recovery_site: "dublin",
  target_cloud_id: $t, policy: {rpo_seconds: 10, keep_points: 4, keep_hours: 1}, machine_ids: $ARGS.positional}' --args "${ids[@]}")" | jq -r .id)
api POST "/groups/$GROUP/targets" "$(jq -n --arg t "$(cloud_id cumulus)" '{cloud_id: $t, storage: [{from: "images", to: "image"}],
  policy: {rpo_seconds: 60, keep_points: 2, keep_hours: 1}}')" >/dev/null
everywhere 240 4
api POST /plans "$(api GET "/groups/$GROUP" | jq --arg a "$FLOATING" '{name: "twins", group_ids: [.id],
  machines: [.members[] | {member_id: .id, priority: 3, health_timeout_seconds: 240, health: {type: "running"}}],
  service_addresses: [.members[] | select(.name == "twin1") | {address: $a, member_id: .id, mechanism: "floating",
    probe: {type: "http", port: 80, path: "/status"}}]}')" |
  jq -r '.problems[] | "      \(.severity): \(.subject): \(.what)"'
note_counters
# Both targets go on from their own points: of each machine one that was taken after it was asked.
noted=$(now_ms)
until_json 180 "newer points at cumulus" "/groups/$GROUP" "[.further[].members[].replication.newest_point_at] | all(. > $noted)"
api GET "/groups/$GROUP" | jq -e '[.members[], .further[].members[]] | all(.replication.state == "replicating" and .replication.last_cycle_bytes < 50000000)' >/dev/null ||
  die "a target began anew: $(api GET "/groups/$GROUP" | jq -c '[.members[], .further[].members[]] | map(.replication)')"
phase_done
phase "berlin is lost, and they come up at cumulus"
"$LAB" kill berlin
until_json 30 "berlin is down" /overview '.sites[] | select(.name == "berlin") | .status == "down"'
api GET "/sites/berlin/failover?targets=$GROUP:$(cloud_id cumulus)" | jq -r '.targets[].options[] | "      \(.cloud): \(.memory_free_mib) MiB free, \(.without) without a point"'
come_up berlin cumulus "I have made sure that berlin is powered off"
"$OPENSTACK" client floating ip list -f value -c "Floating IP Address" -c "Fixed IP Address" | sed 's/^/      /'
"$OPENSTACK" client floating ip list -f value -c "Floating IP Address" -c "Fixed IP Address" | grep -q "$FLOATING ${IP[twin1]}" || die "$FLOATING does not reach twin1"
answer=$(curl -s --noproxy '*' -m 10 "http://$FLOATING/status" | jq -r .host) || true
[ "$answer" = twin1 ] || die "http://$FLOATING/status is answered by '$answer'"
say "      http://$FLOATING/status is answered by $answer"
api GET "/groups/$GROUP" | jq -e '.protected_site == "cumulus" and .recovery_site == "berlin" and (.further | map(.site)) == ["dublin"]' >/dev/null ||
  die "the group goes another way: $(api GET "/groups/$GROUP" | jq -c '{protected_site, recovery_site, further: [.further[].site]}')"
phase_done
phase "berlin returns; they are protected from cumulus, to berlin and to dublin"
"$LAB" return berlin
until_json 90 "the group can be reprotected" "/groups/$GROUP/reprotect" '.refused == null'
api POST "/groups/$GROUP/reprotect" '{}' >/dev/null
everywhere 400 4
phase_done
phase "cumulus is given up, and they come up at dublin"
api PUT "/plans/$(api GET /plans | jq -r '.items[0].id')" "$(api GET /plans | jq '.items[0] | {name, group_ids, machines}')" >/dev/null
note_counters
come_up cumulus dublin ""
for name in "${TWO[@]}"; do runs_at dublin "$name" || die "$name does not run at dublin"; done
phase_done
