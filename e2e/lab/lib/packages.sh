# What must be installed, by purpose.  Debian 12 takes QEMU and libvirt from backports:
# its own are too old for TLS on backups with a separate certificate.
# shellcheck shell=bash

packages_of() {
  local group
  for group in "$@"; do packages_of_one "$group"; done
}

packages_of_one() {
  case $1 in
    lab) echo qemu-system-x86 qemu-utils libvirt-daemon-system libvirt-clients libnbd-bin \
              gcc libc6-dev cpio lz4 e2fsprogs openssl curl jq iproute2 util-linux ca-certificates ;;
    build) echo build-essential pkg-config libvirt-dev
           can_wasm || echo rustc-web cargo-web rust-web-src rust-web-llvm lld-22 ;;
    browser) echo chromium fonts-dejavu-core; command -v npm >/dev/null || echo nodejs npm ;;
    test) echo postgresql shellcheck dropbear-bin openssh-client
          # Conversion, and the guest that is converted. libguestfs makes its appliance of a kernel in /boot.
          echo virt-v2v guestfish mmdebstrap linux-image-cloud-amd64
          cargo clippy --version >/dev/null 2>&1 || echo rust-web-clippy
          cargo fmt --version >/dev/null 2>&1 || echo rustfmt-web ;;
    all) packages_of lab; packages_of build; packages_of browser; packages_of test ;;
    *) die "there is no package group '$1': lab, build, browser, test or all" ;;
  esac
}

# A rustup that has the wasm32 target needs nothing of Debian's Rust.
can_wasm() {
  local lib
  lib=$(rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null) && compgen -G "$lib/libcore-*" >/dev/null
}

packages_missing() {
  local wanted
  read -ra wanted <<<"$(packages_of "$@" | tr '\n' ' ')"
  # It fails when it has never heard of one of them, which is an answer, too.
  { dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null || true; } |
    awk '$1 == "installed" { print $2 }' | sort -u |
    comm -13 - <(printf '%s\n' "${wanted[@]}" | sort -u)
}

packages_check() {
  local missing
  command -v dpkg-query >/dev/null || return 0    # not Debian: the tools are checked where they are used
  missing=$(packages_missing "$1")
  [ -z "$missing" ] || { warn "not installed: ${missing//$'\n'/ }"; return 1; }
}

# Backports for QEMU and libvirt; security updates carry the newer Rust and LLVM.
packages_add_sources() {
  # shellcheck disable=SC1091
  [ "$(. /etc/os-release; echo "${VERSION_CODENAME:-}")" = bookworm ] || return 0
  PACKAGES_SUITE=(-t bookworm-backports)
  packages_add_source bookworm-backports http://deb.debian.org/debian
  packages_add_source bookworm-security http://deb.debian.org/debian-security
}

packages_add_source() {
  ! apt-cache policy | grep -qE "(n=|/)$1[,/]" || return 0
  say "  adding $1 to the package sources"
  cat >"/etc/apt/sources.list.d/crossfade-$1.sources" <<TEXT
Types: deb
URIs: $2
Suites: $1
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
TEXT
}

packages_install() {
  local missing from_backports='^(qemu-|libvirt-)' new old
  [ $# -gt 0 ] || set -- lab
  command -v apt-get >/dev/null || die "this is not Debian: install yourself: $(packages_of "$@" | tr '\n' ' ')"
  missing=$(packages_missing "$@")
  [ -n "$missing" ] || return 0
  need_root
  say "  to install: ${missing//$'\n'/ }"
  PACKAGES_SUITE=()
  packages_add_sources
  quietly "reading package lists" apt-get -q -o DPkg::Lock::Timeout=300 update
  export DEBIAN_FRONTEND=noninteractive
  new=$(grep -E "$from_backports" <<<"$missing" || true)
  old=$(grep -vE "$from_backports" <<<"$missing" || true)
  # The others first: backports would bring its own versions of libraries that they share.
  # shellcheck disable=SC2086
  [ -z "$old" ] || quietly "installing ${old//$'\n'/ }" apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends -o Dpkg::Options::=--force-unsafe-io install $old
  # shellcheck disable=SC2086
  [ -z "$new" ] || quietly "installing ${new//$'\n'/ }" \
    apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends -o Dpkg::Options::=--force-unsafe-io "${PACKAGES_SUITE[@]}" install $new
  missing=$(packages_missing "$@")
  [ -z "$missing" ] || die "still not installed: ${missing//$'\n'/ }"
}
