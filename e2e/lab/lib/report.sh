# What is where, for people and for scripts.
# shellcheck shell=bash

lab_status() {
  local site state name
  say "lab $LAB_ID   state $LAB_STATE   management $MGMT_NET.0/24   service $SVC_NET.0/24"
  for site in "${SITES[@]}"; do
    if [ -z "$(site_pid "$site")" ]; then state="no power"
    elif ! ip -o link show "${PREFIX}m-$site" 2>/dev/null | grep -q '[<,]UP[,>]'; then state="network cut"
    else state=up; fi
    printf '\n%-8s %-12s %s\n' "$site" "$state" "$(site_uri "$site")"
    [ "$state" = "no power" ] || at_site "$site" list --all | sed '/^$/d; s/^/  /'
  done
  echo
  for name in $(machine_names); do
    printf '%-10s %-14s %s\n' "$name" "$(machine_ip "$name")" "$(machine_status "$name" || echo 'no answer')"
  done
}

lab_env() {
  local site upper name
  # Single quotes and nothing to escape: other languages read these lines too.
  export_line() { printf "export %s='%s'\n" "$1" "$2"; }
  export_line CROSSFADE_LAB_ID "$LAB_ID"
  export_line CF_LAB_STATE "$LAB_STATE"
  export_line CF_PKI "$PKI/console"
  export_line CF_SERVICE_IP "$SVC_NET.100"
  for site in "${SITES[@]}"; do
    upper=${site^^}
    export_line "CF_${upper}_IP" "$(site_ip "$site")"
    export_line "CF_${upper}_ENDPOINT" "$(site_uri "$site")"
    export_line "CF_${upper}_URI" "$(site_uri "$site")?pkipath=$PKI/console"
    export_line "CF_${upper}_SOCKET" "$(site_socket "$site")"
    export_line "CF_${upper}_IMAGES" "$(site_dir "$site")/lib/images"
    [ "${CROSSFADE_LAB_TCP:-0}" = 0 ] || export_line "CF_${upper}_TCP_URI" "qemu+tcp://$(site_ip "$site")/system"
  done
  for name in $(machine_names); do
    upper=${name^^}
    export_line "CF_${upper//-/_}_IP" "$(machine_ip "$name")"
  done
}
