# What an OpenStack takes on Debian 12 (Zed).
# shellcheck shell=bash

CUMULUS_PACKAGES=(python3-keystone python3-glance python3-nova python3-placement python3-neutron python3-libvirt
  python3-openstackclient python3-waitress glance-common nova-common placement-common neutron-common
  neutron-linuxbridge-agent iptables iputils-arping rabbitmq-server genisoimage)
# Without block storage it is a cloud as small ones are, starts sooner, and takes 0.7 GB less.
CUMULUS_CINDER=${CROSSFADE_CUMULUS_CINDER:-1}
[ "$CUMULUS_CINDER" = 0 ] || CUMULUS_PACKAGES+=(python3-cinder cinder-common)

cumulus_missing() {
  { dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${CUMULUS_PACKAGES[@]}" 2>/dev/null || true; } |
    awk '$1 == "installed" { print $2 }' | sort -u |
    comm -13 - <(printf '%s\n' "${CUMULUS_PACKAGES[@]}" | sort -u)
}

cumulus_check() {
  local missing
  missing=$(cumulus_missing)
  [ -z "$missing" ] || die "not installed: ${missing//$'\n'/ } - run '$LAB_BIN/openstack install'"
}

cumulus_install() {
  local missing
  packages_install lab
  missing=$(cumulus_missing)
  [ -n "$missing" ] || return 0
  need_root
  [ "$(. /etc/os-release; echo "${VERSION_CODENAME:-}")" = bookworm ] ||
    warn "only Debian 12 was tried: other releases have other versions of OpenStack"
  quietly "reading package lists" apt-get -q update
  # The packages would start their services on this machine; they belong into the namespaces only.
  cumulus_quiet_services
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086
  quietly "installing OpenStack" apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io install $missing
  missing=$(cumulus_missing)
  [ -z "$missing" ] || die "still not installed: ${missing//$'\n'/ }"
}

cumulus_quiet_services() {
  [ ! -e /usr/sbin/policy-rc.d ] || return 0
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod +x /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
}
