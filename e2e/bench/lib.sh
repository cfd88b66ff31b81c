# A lab without the six machines, a node that knows both sites, and figures: for the benchmarks of replication.
# shellcheck shell=bash disable=SC2034

export CROSSFADE_LAB_ID=${CROSSFADE_LAB_ID:-4}
export CROSSFADE_DEMO_LISTEN=${CROSSFADE_DEMO_LISTEN:-127.0.0.1:$((8180 + CROSSFADE_LAB_ID))}
# shellcheck source=e2e/recovery/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../recovery/lib.sh"

# figure NAME OURS REFERENCE [JSON]: one line; the ratio is ours to the reference's.
figure() {
  jq -nc --arg name "$1" --argjson ours "$2" --argjson reference "$3" --argjson more "${4:-{\}}" \
    '{name: $name, ours: $ours, reference: $reference, ratio: (1000 * $ours / $reference | round / 1000)} + $more'
}

median() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }

bench_down() {
  console_stop "$DATA"
  "$LAB" down >/dev/null
}

# Both sites without machines, and a node that is connected to both.
bench_up() {
  local site
  "$LAB" down >/dev/null
  rm -rf "$DATA"
  "$LAB" sites-up >&2
  eval "$("$LAB" env)"
  node_start
  for site in berlin dublin; do api POST /clouds "$(cloud_body "$site")" >/dev/null; done
}

# machine NAME OPTION...: a machine at berlin that answers; the node has seen it.
machine() {
  "$LAB" machine "$1" berlin "${@:2}" >&2
  "$LAB" wait "$1" >&2
  until_json 60 "$1 is seen" "/machines?limit=500" "[.items[] | select(.name == \"$1\" and .state == \"running\")] | length == 1"
}

# protect NAME RPO: answers the group.
protect() {
  api POST /groups "$(jq -n --arg name "$1" --argjson rpo "$2" --arg target "$(cloud_id dublin)" --arg machine "$(machine_id "$1" berlin)" '{
    name: $name, protected_site: "berlin", recovery_site: "dublin", target_cloud_id: $target,
    policy: {rpo_seconds: $rpo, keep_points: 6, keep_hours: 24}, machine_ids: [$machine]}')" | jq -r .id
}

# The group's only member, as the API shows it.
member() { api GET "/groups/$1" | jq -c '.members[0]'; }

# newest_point GROUP
newest_point() { api GET "/members/$(member "$1" | jq -r .id)/points?limit=1" | jq -c '.items[0]'; }
