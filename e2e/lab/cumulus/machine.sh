# A machine that was born in the cloud: the lab's kernel, an empty disk, an address of the service network.
# shellcheck shell=bash

cumulus_machine() {
  local name=${1:-} option ip='' mem=96 disks=1 root=image size=1G tick='' dirty='' start=1 line
  [[ $name =~ ^[a-z][a-z0-9-]{0,30}$ ]] || die "'$name' is no name for a machine: small letters, digits and -"
  shift
  for option in "$@"; do
    case ${option%%=*} in
      ip|mem|disks|root|size|tick|dirty|start) printf -v "${option%%=*}" %s "${option#*=}" ;;
      *) die "there is no option '$option'" ;;
    esac
  done
  [ -n "$(cumulus_pid)" ] || die "cumulus is not running: '$LAB_BIN/openstack up' first"
  [ -n "$LAB_INITRD" ] || images_ready
  mkdir -p "$LAB_STATE/machines"
  ip=$(machine_address "$name" "$ip")
  line="$KERNEL_LINE cf.name=$name cf.ip=$ip/24 cf.gw=$SVC_NET.1 cf.disks=$disks cf.tick=${tick:-200000} cf.dirty=${dirty:-0}"
  cumulus_in python3 "$LAB_BIN/cumulus/machine.py" "$CUMULUS_IP" "$CUMULUS_PASSWORD" "$name" "$ip" "$(machine_mac "$name")" "$mem" \
    "$start" "$line" "$LAB_KERNEL" "$LAB_INITRD" "$(template_ready "$size")" "$disks" "$root" "$(numfmt --from=iec --to-unit=Gi --round=up "$size")" ||
    die "$name was not made (see above)"
  echo "$ip" >"$LAB_STATE/machines/$name"
}
