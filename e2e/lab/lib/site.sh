# Start, lose and return a site.
# shellcheck shell=bash

# The first process of a site, seen from outside.  Looked up, not remembered: a pid file
# may name somebody else's process after a crash.
site_pid() {
  local pid
  has_netns "$(site_netns "$1")" || return 0
  for pid in $(ip netns pids "$(site_netns "$1")"); do
    if awk '/^NSpid:/ { exit !(NF == 3 && $3 == 1) }' "/proc/$pid/status" 2>/dev/null; then
      echo "$pid"
      return
    fi
  done
}

site_in() {
  local pid
  pid=$(site_pid "$1")
  [ -n "$pid" ] || die "site $1 is not running: '$LAB_BIN/lab return $1', or 'lab up'"
  shift
  exec nsenter -t "$pid" -m -n -u -i -p -- "$@"
}

# As typed by a person; what needs a terminal or Ctrl-C keeps it.
site_virsh() {
  local site=$1; shift
  case ${1:-} in
    ''|console|event|edit|*-edit|qemu-monitor-event) exec virsh -c "$(site_socket_uri "$site")" "$@" ;;
    *) exec setsid -w virsh -c "$(site_socket_uri "$site")" "$@" ;;
  esac
}

sites_up() {
  local site started pid settling=()
  started=$(now_ms)
  mkdir -p "$LAB_STATE"
  chmod 711 "$LAB_STATE"
  echo "$LAB_STATE" >"$LAB_OWNER"
  images_ready
  quietly "making certificates" pki_ready
  net_ready
  for site in "${SITES[@]}"; do site_launch "$site"; done
  for site in "${SITES[@]}"; do site_settle "$site" & settling+=($!); done
  for pid in "${settling[@]}"; do wait "$pid" || exit 1; done
  say "  sites berlin and dublin are up ($(($(now_ms) - started)) ms)"
}

site_launch() {
  local site=$1 dir
  dir=$(site_dir "$site")
  [ -z "$(site_pid "$site")" ] || return 0
  mkdir -p "$dir"/{etc,lib/images,lib/small,run,log,cache,pki}
  rm -rf "${dir:?}/run" && mkdir "$dir/run"           # what is in /run does not survive a power cut
  mkdir -p /etc/pki /etc/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt
  site_net_ready "$site"
  site_configure "$site"
  setsid nsenter --net="/run/netns/$(site_netns "$site")" \
    unshare --mount --uts --ipc --pid --fork --kill-child --mount-proc --propagation private \
    "$LAB_BIN/site-init" "$site" "$dir" >"$dir/log/init.log" 2>&1 </dev/null 9>&- &
  disown
}

site_configure() {
  local site=$1 dir ip
  dir=$(site_dir "$site") ip=$(site_ip "$site")
  # /etc/pki of the site: where libvirt and QEMU look by default.
  mkdir -p "$dir"/pki/{CA,libvirt/private,qemu}
  cp "$PKI/$site/cacert.pem" "$dir/pki/CA/"
  cp "$PKI/$site"/{server,client}cert.pem "$dir/pki/libvirt/"
  cp "$PKI/$site"/{server,client}key.pem "$dir/pki/libvirt/private/"
  cp "$PKI/$site"/{ca-cert,server-cert,server-key,client-cert,client-key}.pem "$dir/pki/qemu/"
  { echo "127.0.0.1 localhost"
    for site in "${SITES[@]}"; do echo "$(site_ip "$site") $site $site.lab"; done; } >"$dir/etc/hosts"
  site=$1
  cat >"$dir/etc/libvirtd.conf" <<TEXT
listen_tls = 1
listen_tcp = ${CROSSFADE_LAB_TCP:-0}
listen_addr = "$ip"
auth_tcp = "none"
auth_unix_rw = "none"
auth_unix_ro = "none"
# Two sites on one machine would have one host id, and refuse to migrate to themselves.
host_uuid = "cf0000$LAB_ID$(site_number "$site")-0000-4000-8000-000000000000"
max_clients = 200
max_workers = 40
max_client_requests = 40
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
TEXT
  cat >"$dir/etc/qemu.conf" <<TEXT
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
default_tls_x509_cert_dir = "/etc/pki/qemu"
default_tls_x509_verify = 1
backup_tls_x509_cert_dir = "/etc/pki/qemu"
backup_tls_x509_verify = 1
migrate_tls_x509_cert_dir = "/etc/pki/qemu"
migrate_tls_x509_verify = 1
migration_address = "$ip"
migration_host = "$ip"
TEXT
}

# Waits for libvirtd, then makes its networks and pools (which it remembers).
site_settle() {
  local site=$1 dir network pool tries=0 todo=()
  dir=$(site_dir "$site")
  until at_site "$site" version >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ $tries -gt 300 ]; then
      tail -n 5 "$dir/log/init.log" "$dir/log/libvirtd.log" >&2 || true
      die "libvirtd of $site did not come up: its log is above and in $dir/log"
    fi
    [ $((tries % 50)) -ne 0 ] || say "  … waiting for libvirtd of $site"
    sleep 0.1
  done
  if [ ! -f "$dir/settled" ]; then
    for network in lan svc bubble; do
      printf "<network><name>%s</name><forward mode='bridge'/><bridge name='br-%s'/></network>" $network $network >"$dir/$network.xml"
      todo+=("net-define $dir/$network.xml" "net-autostart $network" "net-start $network")
    done
    for pool in images small; do
      todo+=("pool-define-as $pool dir --target /var/lib/libvirt/$pool" "pool-autostart $pool" "pool-start $pool")
    done
    at_site_all "$site" "${todo[@]}"
    touch "$dir/settled"
  fi
}

# Everything of the site dies at once.  The links go first: a machine without power
# does not answer "connection refused", it answers nothing.
site_kill() {
  local pid
  site_check "$1"
  pid=$(site_pid "$1")
  [ -n "$pid" ] || { say "site $1 has no power already"; return; }
  site_net_link "$1" down
  kill -9 "$pid"
  site_wait_dead "$1"
  say "site $1: power cut"
}

site_wait_dead() {
  local tries=0
  while [ -n "$(ip netns pids "$(site_netns "$1")" 2>/dev/null)" ]; do
    tries=$((tries + 1))
    [ $tries -lt 500 ] || die "processes of $1 do not die: $(ip netns pids "$(site_netns "$1")" | tr '\n' ' ')(a hung disk?)"
    sleep 0.02
  done
}

site_return() {
  site_check "$1"
  [ -d "$(site_dir "$1")" ] || die "site $1 was never up: 'lab up' first"
  [ -z "$(site_pid "$1")" ] || { say "site $1 has power already"; return; }
  images_ready
  net_ready
  site_launch "$1"
  site_net_link "$1" up
  site_settle "$1"
  say "site $1: power is back, machines with autostart on are starting"
}

site_link() {
  site_check "$1"
  has_link "${PREFIX}m-$1" || die "site $1 has no network: 'lab up' first"
  site_net_link "$1" "$2"
  say "site $1: network $([ "$2" = up ] && echo is back || echo is cut)"
}

# Only processes inside this lab's own namespaces are touched.
site_gone() {
  local ns pids
  ns=$(site_netns "$1")
  if has_netns "$ns"; then
    pids=$(ip netns pids "$ns" 2>/dev/null || true)
    # shellcheck disable=SC2086
    [ -z "$pids" ] || kill -9 $pids 2>/dev/null || true
    site_wait_dead "$1"
  fi
  site_net_gone "$1"
}

lab_down() {
  local site
  for site in "${SITES[@]}"; do site_gone "$site"; done
  net_gone
  if [ "${1:-}" = --keep ]; then
    say "lab $LAB_ID is down, its disks are kept in $LAB_STATE"
  else
    rm -rf "$LAB_STATE"
    rmdir "$LAB_STATE_ROOT" 2>/dev/null || true
    say "lab $LAB_ID is down"
  fi
  rm -f "$LAB_OWNER" "$LAB_OWNER.lock"
}
