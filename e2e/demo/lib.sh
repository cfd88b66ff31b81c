# Shared by the scripts of the demo, the tests and lint: places, the toolchain, phases that are never silent.
# shellcheck shell=bash disable=SC2034

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LAB=$REPO/e2e/lab/lab
LAB_ID=${CROSSFADE_LAB_ID:-0}
LAB_STATE=${CROSSFADE_LAB:-/var/tmp/crossfade-lab}/$LAB_ID
LISTEN=${CROSSFADE_DEMO_LISTEN:-127.0.0.1:8080}
URL=http://$LISTEN
# A proxy of the environment must not come between us and this machine's own addresses.
export no_proxy="127.0.0.1,localhost,172.31.$LAB_ID.0/24,10.88.$LAB_ID.0/24,198.18.$LAB_ID.0/24${no_proxy:+,$no_proxy}"

if [ "${CI:-}" = true ] && [ -z "${CARGO_TARGET_DIR:-}" ]; then
  # Outside the checkout: the next run of CI starts warm.
  export CARGO_TARGET_DIR=${CROSSFADE_CI_TARGET:-$HOME/.cache/crossfade/target}
fi
TARGET=${CARGO_TARGET_DIR:-$REPO/target}
case $TARGET in /*) ;; *) TARGET=$REPO/$TARGET ;; esac
CROSSFADE=$TARGET/release/crossfade
SITE_ROOT=$TARGET/site

say() { printf '%s\n' "$*"; }
die() { printf '\n%s\n' "$*" >&2; exit 1; }

# ---- phases

PHASE=0
PHASES=0
phase() {
  PHASE=$((PHASE + 1))
  PHASE_STARTED=$(date +%s%3N)
  printf '\n[%d/%d] %s\n' $PHASE "$PHASES" "$*"
}
phase_done() {
  local ms=$(($(date +%s%3N) - PHASE_STARTED))
  printf '      done in %d.%d s%s\n' $((ms / 1000)) $((ms % 1000 / 100)) "${1:+ - $1}"
}

# Shows what a command says, and a sign of life when it says nothing for 8 s.
alive() {
  local what=$1 started=$SECONDS line status rest=; shift
  { "$@" 2>&1; echo "exit status $?"; } | {
    while true; do
      status=0
      IFS= read -r -t 8 line || status=$?
      if [ $status -gt 128 ]; then
        rest+=$line
        printf '      … %s, %d s\n' "$what" $((SECONDS - started))
      elif [ $status -ne 0 ]; then
        exit 1                                  # ended without its last line: killed
      elif [[ $rest$line == "exit status "* ]]; then
        exit "${line#exit status }"
      else
        printf '      %s\n' "$rest$line"
        rest=
      fi
    done
  }
}

# ---- toolchain

RUST_NEEDED=1.94

rust_version_of() { "$1" --version 2>/dev/null | awk '{ print $2 }'; }
rust_is_enough() {
  local version
  version=$(rust_version_of "$1")
  [ -n "$version" ] && [ "$(printf '%s\n' "$RUST_NEEDED" "$version" | sort -V | head -n 1)" = "$RUST_NEEDED" ]
}

# rustup's compiler where there is one that is new enough, else Debian's.
toolchain_ready() {
  local home
  for home in "$HOME/.cargo/bin" "${SUDO_USER:+/home/$SUDO_USER/.cargo/bin}"; do
    [ -n "$home" ] && [ -d "$home" ] && PATH=$PATH:$home
  done
  rust_is_enough rustc && command -v cargo >/dev/null && return
  if rust_is_enough /usr/bin/rustc && [ -x /usr/bin/cargo ]; then
    export RUSTC=/usr/bin/rustc PATH=/usr/bin:$PATH
    return
  fi
  die "Rust $RUST_NEEDED or newer is needed ($(rust_version_of rustc | sed 's/^$/none/;s/^/found: /')).
As root on Debian 12: $LAB install build
Elsewhere: https://rustup.rs, then: rustup target add wasm32-unknown-unknown"
}

# Nothing has changed since the last complete build?
build_is_fresh() {
  [ -x "$CROSSFADE" ] && [ -d "$SITE_ROOT/pkg" ] && [ -f "$TARGET/.crossfade-built" ] || return 1
  [ -z "$(find "$REPO"/{Cargo.toml,Cargo.lock,.cargo,app,server,style,migrations} \
          -newer "$TARGET/.crossfade-built" -type f -print -quit 2>/dev/null)" ]
}

build_release() {
  local stamp
  if build_is_fresh; then
    say "      nothing has changed since the last build"
    return
  fi
  toolchain_ready
  mkdir -p "$TARGET"
  stamp=$(mktemp "$TARGET/.crossfade-building.XXXXXX")
  if ! (cd "$REPO" && alive "building" cargo xtask build --release); then
    rm -f "$stamp"
    die "the build failed: the compiler's message is above"
  fi
  # The time of the start: what was edited while it ran counts as new.
  mv "$stamp" "$TARGET/.crossfade-built"
}

# ---- console

# The command line as the administrator of the console on $DATA.
cli() { CROSSFADE_URL=$URL CROSSFADE_TOKEN_FILE=$DATA/token "$CROSSFADE" "$@"; }

wallboard() { cli wallboard add --name demo | grep -oE 'https?://[^ ]+' | head -n 1; }

# Where the demo with simulated clouds keeps its console, and whether it runs.
SIMULATED=${XDG_STATE_HOME:-$HOME/.local/state}/crossfade-demo
simulated_runs() { [ -n "$(console_pid "$SIMULATED/console")" ]; }

# simulated_fault SITE FAULT: what is wrong with the clouds of a simulated site from now on.
simulated_fault() {
  local cloud
  DATA=$SIMULATED/console
  for cloud in $(cli cloud list | awk -v site="$1" 'NR > 1 && index($1, site "-") == 1 { print $1 }'); do
    cli cloud change "$cloud" --field "fault=$2"
  done
}

# console_start DATA_DIR LOG [FLAG...]: starts it apart from this terminal's Ctrl-C, and waits until it is ready. Nobody
# else may read its folder or its log.
console_start() {
  local data=$1 log=$2 waited=0; shift 2
  mkdir -p "$data" "$(dirname "$log")"
  chmod 700 "$data" "$(dirname "$log")"
  console_port_free
  setsid "$CROSSFADE" serve --listen "$LISTEN" --data-dir "$data" --site-root "$SITE_ROOT" \
    --bootstrap-token-file "$data/token" "$@" >"$log" 2>&1 </dev/null &
  CONSOLE_PID=$!
  echo $CONSOLE_PID >"$data.pid"
  until curl -sf --noproxy '*' -m 2 -o /dev/null "$URL/readyz"; do
    waited=$((waited + 1))
    kill -0 $CONSOLE_PID 2>/dev/null || { tail -n 20 "$log" >&2; die "the console ended at once: its last words are above"; }
    [ $waited -lt 600 ] || { tail -n 20 "$log" >&2; die "the console is not ready after 60 s: see $log"; }
    [ $((waited % 50)) -ne 0 ] || say "      … waiting for $URL/readyz"
    sleep 0.1
  done
}

console_port_free() {
  ! (exec 3<>"/dev/tcp/${LISTEN%:*}/${LISTEN##*:}") 2>/dev/null ||
    die "$LISTEN is in use by another program: stop it, or choose another: CROSSFADE_DEMO_LISTEN=127.0.0.1:8081 make demo"
}

# console_stop DATA_DIR [PID_FILE]: ends the console that was started on this folder, and no other process.
console_stop() {
  local file=${2:-$1.pid} pid tries=0
  pid=$(console_pid "$1" "$file")
  if [ -n "$pid" ]; then
    kill -TERM "$pid" 2>/dev/null
    while kill -0 "$pid" 2>/dev/null; do
      tries=$((tries + 1))
      [ $tries -lt 50 ] || kill -KILL "$pid" 2>/dev/null
      [ $tries -lt 100 ] || break
      sleep 0.1
    done
  fi
  rm -f "$file"
}

# The pid on file, if it still is a console on that folder: numbers are used again after a crash.
console_pid() {
  local pid
  pid=$(cat "${2:-$1.pid}" 2>/dev/null) || return 0
  tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "--data-dir $1 " && echo "$pid"
  return 0
}
