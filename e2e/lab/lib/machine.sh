# Define, start and ask machines.
# shellcheck shell=bash

# 'kvm' is faster where it works; emulation works everywhere, in CI too.
ACCEL=${CROSSFADE_LAB_ACCEL:-qemu}

# Leaves out what only costs time under emulation; the crypto self-tests alone are a quarter of a boot.
KERNEL_LINE="console=ttyS0 quiet panic=5 nokaslr mitigations=off no_timer_check random.trust_cpu=on"
KERNEL_LINE+=" cryptomgr.notests ipv6.disable=1 apparmor=0 audit=0"

# The six of the demo: name, last part of the address, tags, title.
SIX=(
  "db1 21 tier=db,prod Orders database"
  "db2 22 tier=db,prod Orders database, second"
  "app1 31 tier=app,prod Shop application"
  "app2 32 tier=app,prod Shop application, second"
  "web1 41 tier=web,prod Shop front, has the service address"
  "web2 42 tier=web,prod Shop front, second"
)

lab_up() {
  local row name number tags title svc names=() started
  need_lab_host
  lock_lab
  started=$(now_ms)
  sites_up
  for row in "${SIX[@]}"; do
    read -r name number tags title <<<"$row"
    names+=("$name")
    svc=
    [ "$name" != web1 ] || svc=$SVC_NET.100
    if [ -f "$LAB_STATE/machines/$name" ]; then
      machine_revive "$name"
    else
      machine_add "$name" berlin "ip=$number" "tags=$tags" "title=$title" autostart=1 "svc=$svc"
    fi
    say "  $name started"
  done
  machines_wait "${names[@]}"
  say "  all six answer ($(($(now_ms) - started)) ms)"
}

machine_add() {
  local name=${1:-} site=${2:-} option dir disk uuid todo
  local ip='' svc='' mem=96 disks=1 size=1G fill=0 dirty='' tick='' autostart=0 start=1 tags='' title='' seed=''
  [ $# -ge 2 ] || die "usage: lab machine NAME SITE [option=value...]"
  [[ $name =~ ^[a-z][a-z0-9-]{0,30}$ ]] || die "'$name' is no name for a machine: small letters, digits and -"
  site_check "$site"
  shift 2
  for option in "$@"; do
    case ${option%%=*} in
      ip|svc|mem|disks|size|fill|dirty|tick|autostart|start|tags|title|seed) printf -v "${option%%=*}" %s "${option#*=}" ;;
      *) die "there is no option '$option'" ;;
    esac
  done
  [ -n "$(site_pid "$site")" ] || die "site $site is not running: 'lab up' or 'lab return $site' first"
  [ -n "$LAB_INITRD" ] || images_ready
  mkdir -p "$LAB_STATE/machines"
  ip=$(machine_address "$name" "$ip")
  dir=$(site_dir "$site")
  uuid=$(echo "$LAB_ID.$name" | md5sum | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-4\3-8\4-\5/')
  ! at_site "$site" domuuid "$name" >/dev/null 2>&1 || die "$name exists at $site already: 'lab virsh $site undefine $name' first"
  for disk in $(machine_disks "$name" "$disks"); do
    [ -f "$dir/lib/images/$disk" ] || cp "$(template_ready "$size" "$fill")" "$dir/lib/images/$disk"
  done
  machine_xml >"$dir/$name.xml"
  todo=("pool-refresh images" "define $dir/$name.xml")
  [ "$autostart" = 0 ] || todo+=("autostart $name")
  [ "$start" = 0 ] || todo+=("start $name")
  at_site_all "$site" "${todo[@]}"
  rm "$dir/$name.xml"
  echo "$ip" >"$LAB_STATE/machines/$name"
}

# A machine of an earlier 'up': start it where it is defined, never at two places.
machine_revive() {
  local site
  for site in "${SITES[@]}"; do
    at_site "$site" domstate "$1" 2>/dev/null | grep -q running && return
  done
  for site in "${SITES[@]}"; do
    at_site "$site" start "$1" >/dev/null 2>&1 && return
  done
  die "$1 was here before and does not start at any site: 'lab down' and 'lab up' again"
}

machine_disks() {
  echo "$1.qcow2"
  [ "$2" = 1 ] || echo "$1-2.qcow2"
}

# ip=21 is 10.88.<id>.21; none takes the first free from .50 on.
machine_address() {
  local n
  case $2 in
    *.*.*.*) echo "$2" ;;
    '') for n in $(seq 50 99); do
          grep -qsx "$SVC_NET.$n" "$LAB_STATE"/machines/* || { echo "$SVC_NET.$n"; return; }
        done
        die "no free address for $1: give ip=" ;;
    *[!0-9]*) die "ip=$2 is no address" ;;
    *) echo "$SVC_NET.$2" ;;
  esac
}

# The same lab and name give the same MAC, at any site and on any day.
machine_mac() {
  echo "$1" | md5sum | sed -E "s/^(..)(..).*/52:54:00:c$LAB_ID:\1:\2/"
}

# A plain CPU model and a small code cache keep an emulated machine movable and small.
machine_cpu() {
  if [ "$ACCEL" = kvm ]; then echo "<cpu mode='host-model'/>"; else echo "<cpu mode='custom'><model>qemu64</model></cpu>"; fi
}
machine_features() {
  if [ "$ACCEL" = kvm ]; then echo "<acpi/>"; else echo "<acpi/><tcg><tb-cache unit='MiB'>32</tb-cache></tcg>"; fi
}

machine_xml() {
  local network gateway line disk letter=a
  if [[ $ip == "$(site_lan "$site")".* ]]; then network=lan; else network=svc; fi
  gateway=${ip%.*}.1
  line="$KERNEL_LINE cf.name=$name cf.ip=$ip/24"
  [ -z "$svc" ] || line+=",$svc/24"
  line+=" cf.gw=$gateway cf.disks=$disks cf.tick=${tick:-200000} cf.dirty=${dirty:-0}"
  [ -z "$seed" ] || line+=" cf.seed=$seed"
  cat <<TEXT
<domain type='$ACCEL'>
  <name>$name</name>
  <uuid>$uuid</uuid>
  <title>${title:-Machine $name}</title>
  <description>Machine of the Crossfade lab $LAB_ID</description>
  <metadata>
    <crossfade:about xmlns:crossfade="https://crossfade.dev/libvirt/1">
      <crossfade:tags>$tags</crossfade:tags>
      <crossfade:address mac="$(machine_mac "$name")" ip="$ip"/>
    </crossfade:about>
  </metadata>
  <memory unit='MiB'>$mem</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>$LAB_KERNEL</kernel>
    <initrd>$LAB_INITRD</initrd>
    <cmdline>$line</cmdline>
  </os>
  <features>$(machine_features)</features>
  $(machine_cpu)
  <clock offset='utc'/>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
TEXT
  for disk in $(machine_disks "$name" "$disks"); do
    cat <<TEXT
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none' discard='unmap'/>
      <source file='/var/lib/libvirt/images/$disk'/>
      <target dev='vd$letter' bus='virtio'/>
    </disk>
TEXT
    letter=b
  done
  cat <<TEXT
    <interface type='network'>
      <mac address='$(machine_mac "$name")'/>
      <source network='$network'/>
      <model type='virtio'/>
    </interface>
    <controller type='usb' model='none'/>
    <serial type='file'><source path='/var/log/libvirt/$name.console'/></serial>
    <memballoon model='none'/>
  </devices>
</domain>
TEXT
}

machine_names() { find "$LAB_STATE/machines" -type f -printf '%f\n' 2>/dev/null | sort; }

machine_ip() {
  case $1 in
    '') die "name a machine or an address" ;;
    *.*.*.*) echo "$1" ;;
    *) cat "$LAB_STATE/machines/$1" 2>/dev/null ||
         die "there is no machine '$1' in lab $LAB_ID; it has: $(machine_names | tr '\n' ' ')" ;;
  esac
}

# A proxy of the environment must not come between us and the lab.
machine_status() { curl -sf --noproxy '*' -m 2 "http://$(machine_ip "$1")/status"; }

machines_wait() {
  local name waited started=$SECONDS beat=$((SECONDS + 5)) limit=$((SECONDS + ${CROSSFADE_LAB_WAIT:-180}))
  for name in "$@"; do
    machine_ip "$name" >/dev/null
    until machine_status "$name" >/dev/null; do
      waited=$((SECONDS - started))
      [ $SECONDS -lt $limit ] || die "$name ($(machine_ip "$name")) does not answer after $waited s: see $LAB_STATE/sites/*/log/$name.console; a firewall that filters bridges also looks like this"
      if [ $SECONDS -ge $beat ]; then
        say "  … waiting for $name to answer, $waited s"
        beat=$((SECONDS + 5))
      fi
      sleep 0.1
    done
  done
}
