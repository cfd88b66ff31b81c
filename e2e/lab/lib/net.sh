# Two bridges in the root namespace, a veth pair from each into every site:
#   management   172.31.<id>.0/24   console to libvirt, disks, migration
#   service      10.88.<id>.0/24    stretched over both sites: a machine keeps its address
# shellcheck shell=bash

has_link() { ip link show "$1" >/dev/null 2>&1; }
has_netns() { [ -e "/run/netns/$1" ]; }

net_ready() {
  net_bridge "${PREFIX}mgmt" "$MGMT_NET.1"
  net_bridge "${PREFIX}svc" "$SVC_NET.1"
}

net_bridge() {
  if ! has_link "$1"; then
    net_free "$2"
    ip link add "$1" type bridge || die "cannot make the bridge $1: does this kernel or container allow bridges?"
    ip addr add "$2/24" dev "$1"
  fi
  ip link set "$1" up
}

net_free() {
  local taken
  taken=$(ip -o -4 addr show to "${1%.*}.0/24" 2>/dev/null | awk '{ print $2; exit }')
  [ -z "$taken" ] || die "${1%.*}.0/24 is in use by $taken: take another CROSSFADE_LAB_ID"
}

site_net_ready() {
  local site=$1 ns other ip lan
  ns=$(site_netns "$site") ip=$(site_ip "$site") lan=$(site_lan "$site")
  has_netns "$ns" || ip netns add "$ns"
  net_veth "${PREFIX}m-$site" mgmt "$ns" "${PREFIX}mgmt"
  net_veth "${PREFIX}s-$site" svc "$ns" "${PREFIX}svc"
  ip -n "$ns" link set lo up
  ip -n "$ns" addr replace "$ip/24" dev mgmt
  ip -n "$ns" link set mgmt up
  ip -n "$ns" route replace default via "$MGMT_NET.1"
  site_bridge "$ns" br-lan "$lan.1/24"
  site_bridge "$ns" br-svc "$SVC_NET.1$(site_number "$site")/24"
  site_bridge "$ns" br-bubble ""
  ip -n "$ns" link set svc master br-svc up
  for other in "${SITES[@]}"; do
    [ "$other" = "$site" ] || ip -n "$ns" route replace "$(site_lan "$other").0/24" via "$(site_ip "$other")"
  done
  ip netns exec "$ns" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
  ip route replace "$lan.0/24" via "$ip"
}

net_veth() {
  has_link "$1" || ip link add "$1" type veth peer name "$2" netns "$3"
  ip link set "$1" master "$4" up
}

site_bridge() {
  ip -n "$1" link show "$2" >/dev/null 2>&1 || ip -n "$1" link add "$2" type bridge
  [ -z "$3" ] || ip -n "$1" addr replace "$3" dev "$2"
  ip -n "$1" link set "$2" up
}

site_net_link() {
  local kind
  for kind in m s; do
    has_link "$PREFIX$kind-$1" || continue
    ip link set "$PREFIX$kind-$1" "$2"
  done
}

site_net_gone() {
  local kind
  for kind in m s; do
    has_link "$PREFIX$kind-$1" && ip link del "$PREFIX$kind-$1"
  done
  has_netns "$(site_netns "$1")" && ip netns del "$(site_netns "$1")"
  return 0
}

net_gone() {
  local bridge
  for bridge in "${PREFIX}mgmt" "${PREFIX}svc"; do      # their routes go with them
    has_link "$bridge" && ip link del "$bridge"
  done
  return 0
}
