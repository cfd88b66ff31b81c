#!/bin/bash
# make demo: two real sites, six machines, a console that protects them, an external cloud; Ctrl-C takes it all down.
set -euo pipefail
# shellcheck source=e2e/demo/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
DEMO=$LAB_STATE/demo
DATA=$DEMO/console
LOG=$DEMO/console.log
SIX=(db1 db2 app1 app2 web1 web2)

main() {
  local lacking
  lacking=$(what_is_missing)
  if [ -n "$lacking" ]; then
    exec "$REPO/e2e/demo/simulated.sh" "$lacking"
  fi
  [ -z "$(console_pid "$DATA")" ] ||
    die "The demo runs already: $URL  (Ctrl-C in its terminal ends it, or: make demo-clean)"
  PHASES=6
  STARTED=$SECONDS
  trap 'exit 130' INT TERM HUP
  trap take_down EXIT

  phase "packages"
  "$LAB" install lab build
  phase_done
  phase "build (the first one takes its minutes)"
  build_release
  phase_done
  phase "lab: sites berlin and dublin, six machines at berlin"
  [ ! -d "$LAB_STATE" ] || "$LAB" down          # what a crash may have left
  alive "lab" "$LAB" up
  phase_done
  phase "console"
  mkdir -p "$DEMO"
  console_start "$DATA" "$LOG"
  phase_done
  phase "clouds, protection, recovery plan, wallboard"
  connect_clouds
  protect
  phase_done
  show
  phase "external cloud: OpenStack (the rest can be used meanwhile; CROSSFADE_DEMO_EXTERNAL=no leaves it out)"
  external
  stay
}

what_is_missing() {
  [ "$(id -u)" = 0 ] || { echo "root (namespaces and bridges need it: sudo make demo)"; return; }
  command -v apt-get >/dev/null || command -v libvirtd >/dev/null || { echo "libvirt and QEMU (this is not Debian: install them yourself)"; return; }
  unshare --net true 2>/dev/null || { echo "the right to make namespaces (a container without privileges?)"; return; }
  [ -c /dev/net/tun ] || modprobe tun 2>/dev/null || { echo "/dev/net/tun"; return; }
}

connect_clouds() {
  local site endpoint
  # shellcheck disable=SC1090
  eval "$("$LAB" env)"
  for site in berlin dublin; do
    endpoint=CF_${site^^}_ENDPOINT
    alive "cloud add" cli cloud add --yes --kind libvirt --site $site --name $site-kvm \
      --field "uri=${!endpoint}" --field "ca=@$CF_PKI/cacert.pem" \
      --field "cert=@$CF_PKI/clientcert.pem" --field "key=@$CF_PKI/clientkey.pem"
  done
}

protect() {
  local machine machines=()
  for machine in "${SIX[@]}"; do machines+=(--machine "$machine"); done
  alive "group add" cli group add --name shop --protected-site berlin --recovery-site dublin \
    --target dublin-kvm --rpo 10 "${machines[@]}"
  alive "plan add" cli plan add --name shop --group shop --priority 1=db1,db2 --priority 2=app1,app2 \
    --priority 3=web1,web2 --health http:/status --service-address "$CF_SERVICE_IP=web1"
  WALLBOARD=$(wallboard)
}

show() {
  cat <<TEXT

Crossfade is up after $((SECONDS - STARTED)) s.

  console     $URL
  user        admin
  password    $(cat "$DATA/initial-password")   (once: it asks for another)
  wallboard   $WALLBOARD
  shop        http://$CF_SERVICE_IP/  (service address, answers from web1)
  log         $LOG

In another terminal: make demo-disaster (berlin loses power), make demo-return.
Ctrl-C here takes everything down.
TEXT
}

# Without it the demo is a demo still. A Ctrl-C ends both.
external() {
  local status=0
  "$REPO/e2e/demo/external.sh" || status=$?
  case $status in
    0) phase_done "cumulus is connected: move a machine there, and back" ;;
    3) phase_done ;;
    *) say "      the external cloud did not come up; what it said is above. Once more: make demo-openstack" ;;
  esac
}

stay() {
  # wait(1) and not sleep: a signal is obeyed at once, and so is the console's death.
  wait "$CONSOLE_PID" || true
  tail -n 20 "$LOG" >&2
  die "the console has ended by itself: its last words are above"
}

take_down() {
  local status=$?
  trap '' INT TERM HUP
  trap - EXIT
  printf '\ntaking the demo down\n'
  console_stop "$DATA"
  "$LAB" down
  [ $status -ne 130 ] || status=0
  exit $status
}

main "$@"
