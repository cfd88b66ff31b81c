# Names, addresses and the ways to speak and to fail.  Sourced, sets no state on the machine.
# shellcheck shell=bash disable=SC2034

LAB_ID=${CROSSFADE_LAB_ID:-0}
LAB_STATE_ROOT=${CROSSFADE_LAB:-/var/tmp/crossfade-lab}
LAB_STATE=$LAB_STATE_ROOT/$LAB_ID
LAB_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/crossfade/lab
LAB_OWNER=/run/crossfade-lab.$LAB_ID        # says which state folder this lab id belongs to
SITES=(berlin dublin)

PREFIX=cf$LAB_ID
MGMT_NET=172.31.$LAB_ID
SVC_NET=10.88.$LAB_ID
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s\n' "$*"; }
warn() { printf 'lab: %s\n' "$*" >&2; }
die() { printf 'lab: %s\n' "$*" >&2; exit 1; }

case $LAB_ID in [0-9]) ;; *) die "CROSSFADE_LAB_ID must be 0 to 9, it is '$LAB_ID'" ;; esac
case $LAB_STATE_ROOT in /*) ;; *) die "CROSSFADE_LAB must be an absolute path, it is '$LAB_STATE_ROOT'" ;; esac
# A unix socket's path may have 107 characters.
[ ${#LAB_STATE} -le 70 ] || die "CROSSFADE_LAB is too long for a unix socket below it: $LAB_STATE_ROOT"

site_number() { case $1 in berlin) echo 1 ;; dublin) echo 2 ;; esac; }
site_check() {
  case $1 in
    berlin|dublin) ;;
    '') die "name a site: berlin or dublin" ;;
    *) die "there is no site '$1': it is berlin or dublin" ;;
  esac
}
site_ip()         { echo "$MGMT_NET.1$(site_number "$1")"; }
site_lan()        { echo "10.77.$((LAB_ID * 10 + $(site_number "$1")))"; }
site_dir()        { echo "$LAB_STATE/sites/$1"; }
site_netns()      { echo "$PREFIX-$1"; }
site_uri()        { echo "qemu+tls://$(site_ip "$1")/system"; }
site_socket()     { echo "$(site_dir "$1")/run/libvirt-sock"; }
site_socket_uri() { echo "qemu+unix:///system?socket=$(site_socket "$1")"; }
# Without a terminal: on one, virsh starts a polkit agent at each call, which is slow and complains.
at_site()         { local site=$1; shift; setsid -w virsh -q -c "$(site_socket_uri "$site")" "$@" </dev/null; }

# Several virsh commands in one process, stopped by the first complaint: a process each costs
# more than the work.  virsh itself goes on after an error, so its words decide.
at_site_all() {
  local site=$1 said; shift
  said=$(at_site "$site" "$(printf '%s; ' "$@")" 2>&1 >/dev/null) || true
  [ -z "$said" ] || die "libvirt at $site: $said"
}

now_ms() { date +%s%3N; }

need_root() { [ "$(id -u)" = 0 ] || die "this needs root (network namespaces, bridges): run it with sudo"; }

need_lab_host() {
  need_root
  packages_check lab || die "packages are missing (see above): run '$LAB_BIN/lab install'"
  [ -c /dev/net/tun ] || die "/dev/net/tun is missing: 'modprobe tun', or give it to this container"
}

# One command at a time that builds or tears down this lab.
lock_lab() {
  local owner
  exec 9>"$LAB_OWNER.lock"
  if ! flock -n 9; then
    say "another command works on lab $LAB_ID, waiting for it (at most 2 minutes)"
    flock -w 120 9 || die "lab $LAB_ID is still locked: see who has $LAB_OWNER.lock open"
  fi
  owner=$(cat "$LAB_OWNER" 2>/dev/null || echo "$LAB_STATE")
  [ "$owner" = "$LAB_STATE" ] || die "lab $LAB_ID runs from $owner: set CROSSFADE_LAB=$(dirname "$owner"), or take another CROSSFADE_LAB_ID"
}

# Runs a command with its output in a log; a sign of life every 5 s; the log's end on failure.
quietly() {
  local what=$1 log pid started=$SECONDS beat; shift
  log=$(mktemp)
  "$@" >"$log" 2>&1 9>&- &
  pid=$!
  beat=$((SECONDS + 5))
  while kill -0 $pid 2>/dev/null; do
    sleep 0.1
    if [ "$SECONDS" -ge $beat ]; then
      say "  … $what, $((SECONDS - started)) s"
      beat=$((SECONDS + 5))
    fi
  done
  if wait $pid; then
    rm -f "$log"
  else
    tail -n 20 "$log" >&2
    rm -f "$log"
    die "$what failed (last lines above)"
  fi
}
