#!/bin/bash
# shellcheck disable=SC2119
# A real Debian that knows SATA and not virtio stands at a simulated vCenter, where no guest runs, and is moved to a real libvirt
# host: virt-v2v puts the drivers in on the way, and it boots there from a virtio disk, with a virtio card, and answers. Before that
# a move is cancelled in the middle of the conversion, and in the one that counts the node is killed there.
# Needs 'lab sites-up', 'vsphere up' and virt-v2v; CROSSFADE_BIN names a build.
set -euo pipefail
# shellcheck source=e2e/recovery/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
VSPHERE=$REPO/e2e/lab/vsphere
NAME=settler
IP=10.88.$LAB_ID.160
MARK=2000                                       # see guest/debian.sh
eval "$("$LAB" env)"
eval "$("$VSPHERE" env)"

# A system of this recipe, made once.
image() {
  local recipe=$REPO/e2e/lab/guest/debian.sh cache=${XDG_CACHE_HOME:-$HOME/.cache}/crossfade/lab
  IMAGE=$cache/debian-$(sha256sum "$recipe" | cut -c1-12).raw
  [ ! -s "$IMAGE" ] || return 0
  mkdir -p "$cache"
  LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=${LIBGUESTFS_BACKEND_SETTINGS-force_tcg} alive "making a Debian" "$recipe" "$IMAGE.$$"
  mv "$IMAGE.$$" "$IMAGE"
}
# boots_on DEVICE... : what its console says within a minute of a machine with such a disk.
boots_on() {
  local said=$DATA/boot.$RANDOM status=0
  timeout 60 qemu-system-x86_64 -accel tcg -machine q35 -m 256 -nodefaults -display none -no-reboot -serial "file:$said" \
    -drive "file=$IMAGE,if=none,id=d,format=raw,snapshot=on" -device "$1" -device "$2" &
  local pid=$! waited=0
  until grep -qaE 'cf: up|ALERT!' "$said" 2>/dev/null; do
    waited=$((waited + 1)); [ $waited -lt 600 ] || { status=1; break; }
    sleep 0.1
  done
  kill $pid 2>/dev/null || true; wait $pid 2>/dev/null || true
  grep -aoE 'cf: up on [^ ]*|ALERT!.*does not exist' "$said" | head -n 1
  return $status
}
vsphere_body() {
  jq -n --arg url "$CF_VIENNA_URL" --arg user "$CF_VSPHERE_USER" --arg password "$CF_VSPHERE_PASSWORD" --rawfile ca "$CF_VSPHERE_CA" \
    '{name: "vienna-vc", kind: "vsphere", site: "vienna", fields: {url: $url, user: $user, password: $password, ca: $ca}}'
}
status() { curl -sf --noproxy '*' -m 2 "http://$IP/status"; }
body() {
  jq -n --arg m "$(machine_id $NAME vienna)" --arg t "$(cloud_id berlin)" --arg ip "$IP" --arg net "$NETWORK" --arg pool "$POOL" '{machine_id: $m,
    target_cloud_id: $t, networks: [{from: $net, to: "svc"}], storage: [{from: $pool, to: "images"}], stop_timeout_seconds: 10,
    health: {type: "http", address: $ip, port: 80, path: "/status"}}'
}
# Its disks hold noise: nothing that anybody could convert.
blank() {
  local id; id=$(machine_id blank vienna)
  # The simulator takes any of its networks.
  jq -n --arg m "$id" --arg t "$(cloud_id berlin)" --arg net "$(api GET "/machines/$id" | jq -r '.nics[0].network')" --arg pool "$POOL" \
    '{machine_id: $m, target_cloud_id: $t, networks: [{from: $net, to: "svc"}], storage: [{from: $pool, to: "images"}]}'
}
begin() { api POST /moves "$(body)" | jq -r .id; }
# in_the_middle RUN: virt-v2v has begun to change the guest.
in_the_middle() {
  until_json 240 "the conversion is under way" "/runs/$1/events?limit=500" '[.items[].text] | any(contains("Converting"))'
}
nothing_left() {
  [ -z "$(ls -A "$DATA/convert" 2>/dev/null)" ] || die "files are left: $(ls "$DATA"/convert/*)"
  ! pgrep -f "virt-v2v-in-place.*$DATA" >/dev/null || die "virt-v2v still runs"
}

finish() { node_kill; }
trap finish EXIT
PHASES=6
phase "a Debian without virtio"
rm -rf "$DATA"; mkdir -p "$DATA"
image
say "      on SATA:   $(boots_on ide-hd,drive=d e1000e)"
seen=$(boots_on virtio-blk-pci,drive=d virtio-net-pci)
say "      on virtio: $seen"
[[ $seen == ALERT* ]] || die "it boots from virtio: nothing would be proved"
phase_done

phase "it stands at a vCenter, and a node knows both clouds"
rm -rf "$DATA"
"$VSPHERE" forget $NAME
"$VSPHERE" machine blank disks=1 size=64 fill=8 still=1
# Of an earlier run.
for name in $NAME blank; do
  "$LAB" virsh berlin dominfo $name >/dev/null 2>&1 || continue
  "$LAB" virsh berlin destroy $name >/dev/null 2>&1 || true
  "$LAB" virsh berlin undefine $name >/dev/null
done
for volume in $("$LAB" virsh berlin vol-list images | awk '$1 ~ /^crossfade/ { print $1 }'); do
  "$LAB" virsh berlin vol-delete "$volume" images >/dev/null
done
"$VSPHERE" machine $NAME mem=256 disks=1 size=$(($(stat -c %s "$IMAGE") >> 20)) fill=0 still=1
file=$("$VSPHERE" disk $NAME)
cp --sparse=always "$IMAGE" "$file"
printf '%s/24 %s' "$IP" "$(date +%s)" | dd of="$file" bs=512 seek=$MARK conv=notrunc status=none
before=$(sha256sum <"$file")
node_start
api POST /clouds "$(vsphere_body)" >/dev/null
api POST /clouds "$(cloud_body berlin)" >/dev/null
until_json 60 "it is seen" "/machines?limit=500" "[.items[] | select(.name == \"$NAME\" and .site == \"vienna\")] | length == 1"
MACHINE=$(machine_id $NAME vienna)
api GET "/machines/$MACHINE" | jq -e '.state == "running"' >/dev/null || api POST "/machines/$MACHINE/power" '{"action": "start"}' >/dev/null
until_json 30 "it runs" "/machines/$MACHINE" '.state == "running"'
NETWORK=$(api GET "/machines/$MACHINE" | jq -r '.nics[0].network')
POOL=$(api GET "/machines/$MACHINE" | jq -r '.disks[0].pool')
phase_done

phase "a move that is cancelled in the middle of the conversion"
api POST /moves/preflight "$(body)" | jq -r '.problems[] | "      \(.severity): \(.what)"'
run=$(begin)
in_the_middle "$run"
api POST "/runs/$run/commands" '{"command": "cancel"}' >/dev/null
run_wait "$run" 120
[ "$(run_state "$run")" = cancelled ] || { run_told "$run"; die "it was not cancelled"; }
until_json 30 "it runs at its source again" "/machines/$MACHINE" '.state == "running"'
nothing_left
[ "$(sha256sum <"$file")" = "$before" ] || die "the source's disk was changed"
# Points of a machine that is not protected are removed in the background.
tries=0
while "$LAB" virsh berlin vol-list images | grep -q crossfade; do
  tries=$((tries + 1)); [ $tries -lt 100 ] || die "something is left at berlin"
  sleep 0.3
done
say "      nothing is left at either end"
phase_done

phase "moved, and the node killed in the middle of the conversion"
run=$(begin)
in_the_middle "$run"
node_kill
say "      killed"
node_start
run_wait "$run" 600
api GET "/runs/$run/events?limit=500" | jq -r '.items[] | select(.step != null and (.step | endswith("convert"))) | "      \(.text)"'
run_told "$run"
[ "$(run_state "$run")" = succeeded ] || die "the move did not succeed"
nothing_left
api GET "/runs/$run" | jq -r '"      downtime \(.outcome.downtime_ms / 1000) s, of it \([.steps[] | select(.kind == "convert") | (.finished_at - .started_at) / 1000][0]) s for both attempts to convert it"'
phase_done

phase "it runs from virtio"
runs_at berlin $NAME || die "it does not run at berlin"
[ "$(sha256sum <"$file")" = "$before" ] || die "the source's disk was changed"
status | tee "$DATA/status"
jq -e '.root == "/dev/vda1" and .disk_driver == "virtio_blk" and .card_driver == "virtio_net"' "$DATA/status" >/dev/null || die "it does not run from virtio"
"$LAB" virsh berlin dumpxml $NAME | grep -E "target dev=|model type='virtio'" | sed 's/^ */      /'
phase_done

phase "what virt-v2v does not know moves as it is"
run=$(api POST /moves "$(blank)" | jq -r .id)
run_wait "$run" 120
[ "$(run_state "$run")" = succeeded ] || { run_told "$run"; die "the move did not succeed"; }
api GET "/runs/$run" | jq -r '.steps[] | select(.kind == "convert") | "      \(.message)"'
api GET "/runs/$run" | jq -e '.outcome.machines[0].message | contains("virt-v2v does not know")' >/dev/null || die "nobody is warned"
"$LAB" virsh berlin dumpxml blank | grep -q "bus='sata'" || die "it did not get what is chosen without a conversion"
nothing_left
phase_done
