# Building, starting and asking the simulated vCenters.
# shellcheck shell=bash

VSPHERE_SITES=(vienna zurich)
VSPHERE_STATE=$LAB_STATE_ROOT/vsphere-$LAB_ID
VSPHERE_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/crossfade/vsphere
VSPHERE_USER=crossfade@vsphere.local
VSPHERE_PASSWORD=lab-pass
VSPHERE_GO=/usr/lib/go-1.23/bin/go
GOVMOMI=/usr/share/gocode/src/github.com/vmware/govmomi

vsphere_port() { case $1 in vienna) echo $((8901 + LAB_ID * 10)) ;; zurich) echo $((8902 + LAB_ID * 10)) ;; *) die "there is no vCenter '$1': vienna or zurich" ;; esac; }
vsphere_url() { echo "https://127.0.0.1:$(vsphere_port "$1")"; }

vsphere_install() {
  [ -x "$VSPHERE_GO" ] && [ -d "$GOVMOMI/simulator" ] && return
  need_root
  [ "$(. /etc/os-release; echo "${VERSION_CODENAME:-}")" = bookworm ] || warn "only Debian 12 was tried"
  PACKAGES_SUITE=()
  packages_add_sources
  export DEBIAN_FRONTEND=noninteractive
  quietly "reading package lists" apt-get -q -o DPkg::Lock::Timeout=300 update
  local options=(-q -y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-unsafe-io)
  quietly "installing the simulator's sources" apt-get "${options[@]}" install golang-github-vmware-govmomi-dev
  # Debian 12's own Go 1.19 was not tried.
  quietly "installing Go" apt-get "${options[@]}" "${PACKAGES_SUITE[@]}" install golang-1.23-go
}

# One binary for each state of its sources.
vsphere_binary() { echo "$VSPHERE_CACHE/vcenter-$(cat "$LAB_BIN"/vcenter/sim/*.go | sha256sum | cut -c1-16)"; }

vsphere_build() {
  local binary
  binary=$(vsphere_binary)
  [ ! -x "$binary" ] || return 0
  [ -x "$VSPHERE_GO" ] && [ -d "$GOVMOMI/simulator" ] || die "not installed - run '$LAB_BIN/vsphere install'"
  mkdir -p "$VSPHERE_CACHE/gopath/src"
  ln -sfn "$LAB_BIN/vcenter/sim" "$VSPHERE_CACHE/gopath/src/vcenter"
  quietly "building the simulator" env GOPATH="$VSPHERE_CACHE/gopath:/usr/share/gocode" GO111MODULE=off GOTOOLCHAIN=local GOFLAGS= \
    GOCACHE="$VSPHERE_CACHE/gocache" "$VSPHERE_GO" build -o "$binary.new" vcenter
  mv "$binary.new" "$binary"
}

# Its own authority: clients are to check whom they meet.
vsphere_keys() {
  local pki=$VSPHERE_STATE/pki
  [ ! -s "$pki/cert.pem" ] || return 0
  mkdir -p "$pki"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=Crossfade lab vSphere" \
    -addext basicConstraints=critical,CA:TRUE -keyout "$pki/ca-key.pem" -out "$pki/ca.pem" 2>/dev/null
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=vcenter" -keyout "$pki/key.pem" -out "$pki/request.pem" 2>/dev/null
  openssl x509 -req -in "$pki/request.pem" -CA "$pki/ca.pem" -CAkey "$pki/ca-key.pem" -CAcreateserial -days 3650 \
    -extfile <(printf 'basicConstraints=CA:FALSE\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n') -out "$pki/cert.pem" 2>/dev/null
}

vsphere_alive() { local pid; pid=$(cat "$VSPHERE_STATE/$1.pid" 2>/dev/null) && [[ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = "$VSPHERE_CACHE"/vcenter-* ]]; }

vsphere_up() {
  local site end
  vsphere_build
  mkdir -p "$VSPHERE_STATE"
  vsphere_keys
  for site in "${VSPHERE_SITES[@]}"; do
    ! vsphere_alive "$site" || continue
    mkdir -p "$VSPHERE_STATE/$site"
    # What it keeps lies in the temporary folder, so that nothing is left behind elsewhere.
    TMPDIR=$VSPHERE_STATE/$site setsid "$(vsphere_binary)" -l "127.0.0.1:$(vsphere_port "$site")" -username "$VSPHERE_USER" -password "$VSPHERE_PASSWORD" \
      -cert "$VSPHERE_STATE/pki/cert.pem" -key "$VSPHERE_STATE/pki/key.pem" "$@" >"$VSPHERE_STATE/$site.log" 2>&1 </dev/null &
    echo $! >"$VSPHERE_STATE/$site.pid"
  done
  end=$((SECONDS + 120))
  for site in "${VSPHERE_SITES[@]}"; do
    until curl -sk -o /dev/null "$(vsphere_url "$site")/about"; do
      kill -0 "$(cat "$VSPHERE_STATE/$site.pid")" 2>/dev/null || { tail -5 "$VSPHERE_STATE/$site.log" >&2; die "$site ended at once"; }
      [ $SECONDS -lt $end ] || die "$site does not answer"
      sleep 0.1
    done
  done
}

vsphere_down() {
  local site
  for site in "${VSPHERE_SITES[@]}"; do
    if vsphere_alive "$site"; then
      kill "$(cat "$VSPHERE_STATE/$site.pid")"
      while vsphere_alive "$site"; do sleep 0.05; done
    fi
  done
  rm -rf "$VSPHERE_STATE"
}

vsphere_status() {
  local site
  for site in "${VSPHERE_SITES[@]}"; do
    if vsphere_alive "$site"; then say "$site: $(vsphere_url "$site"), $(tail -1 "$VSPHERE_STATE/$site.log")"; else say "$site: off"; fi
  done
}

vsphere_env() {
  cat <<TEXT
export CF_VIENNA_URL=$(vsphere_url vienna) CF_ZURICH_URL=$(vsphere_url zurich)
export CF_VSPHERE_USER=$VSPHERE_USER CF_VSPHERE_PASSWORD=$VSPHERE_PASSWORD CF_VSPHERE_CA=$VSPHERE_STATE/pki/ca.pem
TEXT
}

# vsphere_ask SITE PATH
vsphere_ask() { curl -sSf --cacert "$VSPHERE_STATE/pki/ca.pem" "$(vsphere_url "$1")/lab/$2"; }

# vsphere_named WHAT NAME [at=SITE]
vsphere_named() { local site=${3:-at=vienna}; site=${site#at=}; vsphere_ask "$site" "$1?name=$2"; }

vsphere_machine() {
  local query="name=$1" site=vienna option value
  shift
  for option in "$@"; do
    value=${option#*=}
    case $option in
      at=*) site=$value ;;
      size=*G) query+="&size=$((${value%G} * 1024))" ;;
      size=*) query+="&size=${value%M}" ;;
      mem=*|disks=*|fill=*|dirty=*|still=*) query+="&$option" ;;
      *) ;;   # what real machines of the lab have besides
    esac
  done
  vsphere_ask "$site" "machine?$query"
}
