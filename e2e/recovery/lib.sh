# A lab, a node and the REST API as functions: for the tests of real runs and for the benchmark of a failover.
# shellcheck shell=bash disable=SC2034

# shellcheck source=e2e/demo/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../demo/lib.sh"
# A build of one's own instead of the release: CROSSFADE_BIN=target/debug/crossfade
CROSSFADE=${CROSSFADE_BIN:-$CROSSFADE}
SIX=(db1 db2 app1 app2 web1 web2)
DATA=$LAB_STATE/recovery/console
LOG=$LAB_STATE/recovery/console.log
API=$URL/api/v1

now_ms() { date +%s%3N; }

# api METHOD PATH [JSON]: the answer, or the API's own words and an error. A node that is being restarted is asked again.
api() {
  local method=$1 path=$2 body=${3:-} tries=0 answer status key
  # One for all tries: what was done before the answer got lost is not done again.
  key=$(cat /proc/sys/kernel/random/uuid)
  while true; do
    answer=$(curl -s --noproxy '*' -m 60 -w '\n%{http_code}' -X "$method" -H "Authorization: Bearer $(cat "$DATA/token")" \
      -H "Idempotency-Key: $key" -H 'Content-Type: application/json' ${body:+--data "$body"} "$API$path") || true
    status=${answer##*$'\n'}
    answer=${answer%$'\n'*}
    case $status in
      2*) printf '%s' "$answer"; return ;;
      000|502|503) tries=$((tries + 1)); [ $tries -lt 150 ] || die "$method $path: the node does not answer"; sleep 0.1 ;;
      *) die "$method $path: $status $(jq -r '.message // .' <<<"$answer" 2>/dev/null || printf '%s' "$answer")" ;;
    esac
  done
}

# until_json SECONDS WHAT PATH FILTER: waits until jq's filter is true for what the path answers.
until_json() {
  local limit=$((SECONDS + $1)) what=$2 path=$3 filter=$4
  until api GET "$path" | jq -e "$filter" >/dev/null; do
    [ $SECONDS -lt $limit ] || { api GET "$path" | jq . | tail -n 60 >&2; die "not within $1 s: $what"; }
    sleep 0.1
  done
}

node_start() {
  mkdir -p "$LAB_STATE/recovery"
  console_start "$DATA" "$LOG.$(now_ms)"
}

# kill -9, as a power cut would.
node_kill() {
  local pid
  pid=$(console_pid "$DATA")
  [ -n "$pid" ] || return 0
  kill -KILL "$pid"
  while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
}

cloud_body() {
  local site=$1 endpoint=CF_${1^^}_ENDPOINT
  jq -n --arg site "$site" --arg uri "${!endpoint}" --rawfile ca "$CF_PKI/cacert.pem" --rawfile cert "$CF_PKI/clientcert.pem" \
    --rawfile key "$CF_PKI/clientkey.pem" \
    '{name: ($site + "-kvm"), kind: "libvirt", site: $site, fields: {uri: $uri, ca: $ca, cert: $cert, key: $key}}'
}

cloud_id() { api GET /clouds | jq -r --arg n "$1-kvm" '.items[] | select(.name == $n) | .id'; }
machine_id() { api GET "/machines?limit=500" | jq -r --arg n "$1" --arg s "$2" '.items[] | select(.name == $n and .site == $s) | .id'; }

connect_both() {
  local site
  for site in berlin dublin; do
    api POST /clouds "$(cloud_body "$site")" >/dev/null
  done
  until_json 60 "all six machines are seen" "/machines?limit=500" '[.items[] | select(.site == "berlin" and .state == "running")] | length == 6'
}

# protect RPO [PRIORITY]: the six in one group, and a plan with three priority groups, or only the one, and HTTP checks.
protect_six() {
  local name ids=() group body
  for name in "${SIX[@]}"; do ids+=("$(machine_id "$name" berlin)"); done
  body=$(jq -n --argjson rpo "$1" --arg target "$(cloud_id dublin)" '{name: "shop", protected_site: "berlin", recovery_site: "dublin",
    target_cloud_id: $target, policy: {rpo_seconds: $rpo, keep_points: 6, keep_hours: 24}, machine_ids: $ARGS.positional}' --args "${ids[@]}")
  group=$(api POST /groups "$body" | jq -r .id)
  until_json 180 "every machine has a recovery point" "/groups/$group" '[.members[] | select(.replication.newest_point_at == null)] | length == 0'
  plan_six "$group" "${2:-}"
}

plan_six() {
  local body
  body=$(api GET "/groups/$1" | jq --arg svc "$CF_SERVICE_IP" --argjson ips "$(addresses)" --argjson only "${2:-null}" '
    def priority: if $only then $only elif startswith("db") then 1 elif startswith("app") then 2 else 3 end;
    {name: "shop", group_ids: [.id],
     machines: [.members[] | {member_id: .id, priority: (.name | priority), health_timeout_seconds: 180,
       health: {type: "http", address: $ips[.name], port: 80, path: "/status"}}],
     service_addresses: [.members[] | select(.name == "web1") | {address: $svc, member_id: .id, mechanism: "garp",
       probe: {type: "http", port: 80, path: "/status"}}]}')
  if api POST /plans "$body" | jq -c '.problems[] | select(.severity == "critical")' | grep .; then
    die "the plan is not ready"
  fi
}

addresses() {
  local name var
  for name in "${SIX[@]}"; do
    var=CF_${name^^}_IP
    printf '%s\n%s\n' "$name" "${!var}"
  done | jq -nR '[inputs] | [range(0; length; 2) as $i | {(.[$i]): .[$i + 1]}] | add'
}

fail_over() {
  api POST /sites/berlin/failover '{"confirm": "berlin", "statement": "I have made sure that berlin is powered off"}' | jq -r .id
}

move() {
  api POST /moves "$(jq -n --arg m "$(machine_id "$1" berlin)" --arg t "$(cloud_id dublin)" --arg ip "$2" '{machine_id: $m,
    target_cloud_id: $t, health: {type: "http", address: $ip, port: 80, path: "/status"}, stop_timeout_seconds: 20}')" | jq -r .id
}

run_over() { api GET "/runs/$1" | jq -e '.state | IN("succeeded", "succeeded_with_errors", "failed", "cancelled")' >/dev/null; }
run_state() { api GET "/runs/$1" | jq -r .state; }
run_told() {
  api GET "/runs/$1" | jq -r '"\(.state) \(.message // "")", (.steps[] | "  \(.key)\t\(.state)\t\(.message // "")")' >&2
}
run_wait() {
  local limit=$((SECONDS + $2))
  until run_over "$1"; do
    [ $SECONDS -lt $limit ] || { run_told "$1"; die "the run is not over after $2 s"; }
    sleep 0.1
  done
}

runs_at() { [ "$("$LAB" virsh "$1" domstate "$2" 2>/dev/null | head -n 1)" = running ]; }

group_id() { api GET /groups | jq -r --arg n "$1" '.items[] | select(.name == $n) | .id'; }

# reprotect GROUP SECONDS: in the other direction, and every machine has a recovery point there.
reprotect() {
  local id; id=$(group_id "$1")
  until_json 90 "the group can be reprotected" "/groups/$id/reprotect" '.refused == null'
  api GET "/groups/$id/reprotect" | jq -c '{from, to, bytes}'
  api POST "/groups/$id/reprotect" '{}' >/dev/null
  until_json "$2" "every machine is protected in the other direction" "/groups/$id" \
    '[.members[] | select(.replication.newest_point_at == null)] | length == 0'
}

# A failover of a site that answers: no statement.
fail_over_living() {
  api POST "/sites/$1/failover" "$(jq -n --arg s "$1" '{confirm: $s}')" | jq -r .id
}

# Only one of the two sites may run a machine: asked of the hypervisors, not of the node.
one_copy() {
  local name=$1 site running=0
  for site in berlin dublin; do
    if "$LAB" virsh "$site" domstate "$name" 2>/dev/null | grep -q running; then running=$((running + 1)); fi
  done
  [ $running -le 1 ] || die "TWO COPIES of $name run"
}

# ---- with an OpenStack beside the sites: its environment is read, and OPENSTACK names its script

cumulus_body() {
  jq -n --arg url "$CF_CUMULUS_URL" --arg id "$CF_CUMULUS_CREDENTIAL_ID" --arg secret "$CF_CUMULUS_CREDENTIAL_SECRET" \
    '{name: "cumulus-kvm", kind: "openstack", site: "cumulus",
      fields: {auth_url: $url, credential_id: $id, credential_secret: $secret, insecure: "true"}}'
}
# running_copies NAME: asked of the hypervisors themselves, one line for each process that runs the machine.
running_copies() {
  local site
  for site in berlin dublin; do "$LAB" virsh "$site" list --name 2>/dev/null | grep -x "$1" || true; done
  # shellcheck disable=SC2016
  "$OPENSTACK" in sh -c 'for f in /proc/[0-9]*/cmdline; do
    case $({ tr "\0" " " <"$f"; } 2>/dev/null) in *qemu-system*"cf.name=$1 "*) echo cumulus ;; esac; done' sh "$1"
}
# watch_copies NAME...: a moment at which two copies run is kept in a file.
watch_copies() {
  local name
  while sleep 2; do
    for name in "$@"; do
      running_copies "$name" >"$DATA/copies"
      [ "$(wc -l <"$DATA/copies")" -le 1 ] || cp "$DATA/copies" "$DATA/two-copies"
    done
  done
}
