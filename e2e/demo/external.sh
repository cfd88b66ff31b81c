#!/bin/bash
# make demo-openstack: the external cloud "cumulus", a real OpenStack, joins the running demo. The demo itself calls this last.
set -euo pipefail
# shellcheck source=e2e/demo/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
OPENSTACK=$REPO/e2e/lab/openstack
DATA=$LAB_STATE/demo/console
MIB=3000

main() {
  local lacking
  [ -n "$(console_pid "$DATA")" ] || die "There is no demo that it could join: make demo"
  lacking=$(what_is_missing)
  if [ -n "$lacking" ]; then
    say "      the external cloud is left out: $lacking"
    exit 3
  fi
  alive "packages of OpenStack" "$OPENSTACK" install || { say "      the external cloud is left out: its packages could not be installed"; exit 3; }
  alive "OpenStack" "$OPENSTACK" up
  ! cli cloud list | grep -q ' cumulus-nova ' || return 0
  # shellcheck disable=SC1090
  eval "$("$OPENSTACK" env)"
  alive "cloud add" cli cloud add --yes --kind openstack --site cumulus --name cumulus-nova --field "auth_url=$CF_CUMULUS_URL" \
    --field "credential_id=$CF_CUMULUS_CREDENTIAL_ID" --field "credential_secret=@$(secret)" --field insecure=true
  rm -f "$DATA.credential"
  further
}

# The shop's machines are replicated there besides: any of them can move there, and the failover asks where they come up.
further() {
  alive "one more target" cli group target add shop cumulus-nova --rpo 60 --keep-points 2 --storage images=image ||
    say "      the shop is not replicated there: any machine that is in no group can move there"
}

what_is_missing() {
  local free
  [ "${CROSSFADE_DEMO_EXTERNAL:-yes}" = yes ] || { echo "CROSSFADE_DEMO_EXTERNAL=$CROSSFADE_DEMO_EXTERNAL"; return; }
  [ -n "$("$OPENSTACK" pid)" ] && return
  free=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
  [ "$free" -ge $MIB ] || echo "OpenStack takes $MIB MiB of memory, and $free are free"
}

# Never on a command line: those can be read by everybody.
secret() {
  (umask 077; printf '%s' "$CF_CUMULUS_CREDENTIAL_SECRET" >"$DATA.credential")
  echo "$DATA.credential"
}

main "$@"
