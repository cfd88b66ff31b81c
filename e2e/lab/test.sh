#!/bin/bash
# Does the lab keep its promises?  Everything else is tested on top of it.  About a minute; needs root.
set -euo pipefail
export CROSSFADE_LAB_ID=${CROSSFADE_LAB_ID:-9}
LAB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/lab
WORK=$(mktemp -d)
trap '"$LAB" down >/dev/null; rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM HUP

ok() { printf '  ok    %s\n' "$*"; }
fail() { printf '  FAIL  %s\n' "$*"; exit 1; }
expect() { local what=$1; shift; if "$@" >"$WORK/out" 2>&1; then ok "$what"; else cat "$WORK/out"; fail "$what"; fi; }
refuse() { local what=$1; shift; if "$@" >"$WORK/out" 2>&1; then cat "$WORK/out"; fail "$what"; else ok "$what"; fi; }
field() { "$LAB" counter "$1" | jq -r ".$2"; }
until_true() {
  local limit=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $limit ] || return 1; sleep 0.1; done
}
state_is() { [ "$("$LAB" virsh "$1" domstate "$2" | head -n 1)" = "$3" ]; }
counts_on() { [ "$(field "$1" counter)" -gt "$2" ]; }

"$LAB" down >/dev/null
"$LAB" up
eval "$("$LAB" env)"

echo "machines"
expect "a counter goes on" until_true 15 counts_on db1 "$(field db1 counter)"
expect "the service address answers from web1" test "$(field "$CF_SERVICE_IP" host)" = web1
expect "the page names the host" sh -c "curl -sf --noproxy '*' http://$CF_DB1_IP/ | grep -q '<h1>db1</h1>'"
expect "tags are in the metadata" sh -c "'$LAB' virsh berlin dumpxml db1 | grep -q 'tier=db,prod</crossfade:tags>'"
"$LAB" machine pair dublin disks=2 tick=20000 mem=128
"$LAB" wait pair
expect "a counter starts" until_true 30 counts_on pair 0
"$LAB" virsh dublin destroy pair >/dev/null
"$LAB" virsh dublin start pair >/dev/null
"$LAB" wait pair
expect "two disks are at most one count apart" sh -c "'$LAB' counter pair |
  jq -e '., (.disks == 2 and .counter_at_boot > 0 and (.counter_at_boot - .counter2_at_boot | fabs) <= 1)'"
started=$(date +%s%3N)
"$LAB" virsh dublin shutdown pair >/dev/null
expect "the power button stops a machine" until_true 20 state_is dublin pair "shut off"
ok "… in $(($(date +%s%3N) - started)) ms"

echo "libvirt"
expect "TLS with the console's certificate, by address" virsh -c "$CF_BERLIN_URI" hostname
mkdir "$WORK/stranger"
cp "$CF_PKI/cacert.pem" "$WORK/stranger/"
cp "$CF_PKI/ca-cert.pem" "$WORK/stranger/"
refuse "no TLS without a certificate" virsh -c "qemu+tls://$CF_BERLIN_IP/system?pkipath=$WORK/stranger" hostname
refuse "no plain TCP" virsh -c "qemu+tcp://$CF_BERLIN_IP/system" hostname
expect "the socket" virsh -c "qemu+unix:///system?socket=$CF_DUBLIN_SOCKET" hostname
cat >"$WORK/backup.xml" <<TEXT
<domainbackup mode='pull'><server transport='tcp' tls='yes' name='$CF_BERLIN_IP' port='10809'/>
<disks><disk name='vda' backup='yes' type='file' exportname='vda'><scratch file='/var/lib/libvirt/images/db2.scratch'/></disk></disks></domainbackup>
TEXT
expect "a backup over TLS begins" virsh -c "$CF_BERLIN_URI" backup-begin db2 "$WORK/backup.xml"
expect "nbds with a certificate" nbdinfo --size "nbds://$CF_BERLIN_IP:10809/vda?tls-certificates=$CF_PKI"
refuse "no nbds without one" nbdinfo --size "nbds://$CF_BERLIN_IP:10809/vda?tls-certificates=$WORK/stranger"
refuse "no plain nbd" nbdinfo --size "nbd://$CF_BERLIN_IP:10809/vda"
virsh -c "$CF_BERLIN_URI" domjobabort db2 >/dev/null
refuse "the small pool is small" "$LAB" virsh dublin vol-create-as small big 80M
boot=$(field db2 boot_id) seen=$(field db2 counter)
expect "a machine moves live, with its disk" virsh -c "$CF_BERLIN_URI" migrate --live --p2p --tls --persistent \
  --undefinesource --copy-storage-all db2 "qemu+tls://$CF_DUBLIN_IP/system"
"$LAB" wait db2
expect "… and is the same machine" test "$(field db2 boot_id)" = "$boot" -a "$(field db2 counter)" -ge "$seen"

echo "disasters"
"$LAB" virsh berlin autostart --disable app2 >/dev/null
seen=$(field db1 counter)
"$LAB" cut berlin
refuse "a cut site does not answer" "$LAB" counter db1
expect "… but runs on" "$LAB" in berlin true
"$LAB" uncut berlin
expect "… and answers afterwards" until_true 30 counts_on db1 "$seen"
seen=$(field db1 counter)
"$LAB" kill berlin
refuse "a site without power answers nothing" timeout 2 bash -c "exec 3<>/dev/tcp/$CF_BERLIN_IP/16514"
expect "the other site lives" virsh -c "$CF_DUBLIN_URI" hostname
"$LAB" return berlin
"$LAB" wait db1
expect "autostart starts it again" test "$(field db1 boots)" = 2
expect "what was seen was on the disk" test "$(field db1 counter_at_boot)" -ge "$seen"
expect "autostart off stays off" state_is berlin app2 "shut off"

echo "the end"
"$LAB" down >/dev/null
refuse "no interface stays" sh -c "ip -o link | grep 'cf$CROSSFADE_LAB_ID'"
refuse "no namespace stays" sh -c "ip netns list | grep '^cf$CROSSFADE_LAB_ID'"
refuse "no process stays" sh -c "ps -eo args | grep '[c]rossfade-lab/$CROSSFADE_LAB_ID/'"
refuse "no route stays" sh -c "ip route | grep -E '10[.]77[.]${CROSSFADE_LAB_ID}[12][.]'"
refuse "no mount stays" grep "crossfade-lab/$CROSSFADE_LAB_ID/" /proc/mounts
refuse "no state stays" test -e "$CF_LAB_STATE"
echo "the lab is sound"
