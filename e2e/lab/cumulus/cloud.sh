# Start the cloud, take it away, say what is there.
# shellcheck shell=bash

CUMULUS_DIR=$LAB_STATE/cumulus
CUMULUS_NS=$PREFIX-cumulus
CUMULUS_IP=$MGMT_NET.13
CUMULUS_OUTSIDE=198.18.$LAB_ID              # floating addresses

cumulus_up() {
  local started
  started=$(now_ms)
  cumulus_check
  [ -c /dev/net/tun ] || die "/dev/net/tun is missing: 'modprobe tun', or give it to this container"
  mkdir -p "$CUMULUS_DIR"/{etc,db,log,run}
  chmod 711 "$LAB_STATE" "$CUMULUS_DIR"
  echo "$LAB_STATE" >"$LAB_OWNER"
  images_ready
  net_ready
  cumulus_net_ready
  if [ -z "$(cumulus_pid)" ]; then
    rm -rf "${CUMULUS_DIR:?}"/{run,rabbit,lock,libvirt/run} && mkdir "$CUMULUS_DIR/run"
    echo "127.0.0.1 localhost cumulus" >"$CUMULUS_DIR/hosts"
    cumulus_configure "$CUMULUS_DIR"
    cumulus_launch
    cumulus_databases
    touch "$CUMULUS_DIR/run/databases"
  fi
  quietly "waiting for OpenStack" cumulus_prepare
  say "  cumulus is up: http://$CUMULUS_IP:5000/v3 ($(($(now_ms) - started)) ms)"
}

cumulus_launch() {
  setsid nsenter --net="/run/netns/$CUMULUS_NS" \
    unshare --mount --uts --ipc --pid --fork --kill-child --mount-proc --propagation private \
    "$LAB_BIN/cumulus/init" "$CUMULUS_DIR" >"$CUMULUS_DIR/log/init.log" 2>&1 </dev/null 8>&- 9>&- &
  disown
  local tries=0
  until [ -n "$(cumulus_pid)" ] && cumulus_in mountpoint -q /mnt/cumulus && cumulus_in mountpoint -q /run/libvirt; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || die "its namespaces did not come up: see $CUMULUS_DIR/log/init.log"
    sleep 0.05
  done
}

# The first process, seen from outside: the only one that is number 1 one level down.
cumulus_pid() {
  local pid
  has_netns "$CUMULUS_NS" || return 0
  for pid in $(ip netns pids "$CUMULUS_NS"); do
    if awk '/^NSpid:/ { exit !(NF == 3 && $3 == 1) }' "/proc/$pid/status" 2>/dev/null; then echo "$pid"; return; fi
  done
}

cumulus_in() {
  local pid
  pid=$(cumulus_pid)
  [ -n "$pid" ] || die "cumulus is not running: '$LAB_BIN/openstack up' first"
  # Debian's own Python, whatever else this machine has.
  env -u http_proxy -u https_proxy -u HTTP_PROXY -u HTTPS_PROXY PATH=/usr/sbin:/usr/bin:/sbin:/bin nsenter -t "$pid" -m -n -u -i -p -- "$@"
}

cumulus_net_ready() {
  has_netns "$CUMULUS_NS" || ip netns add "$CUMULUS_NS"
  net_veth "${PREFIX}m-cumulus" mgmt "$CUMULUS_NS" "${PREFIX}mgmt"
  net_veth "${PREFIX}s-cumulus" svc "$CUMULUS_NS" "${PREFIX}svc"
  net_bridge "${PREFIX}out" "$CUMULUS_OUTSIDE.1"
  net_veth "${PREFIX}o-cumulus" out "$CUMULUS_NS" "${PREFIX}out"
  ip -n "$CUMULUS_NS" link set lo up
  ip -n "$CUMULUS_NS" addr replace "$CUMULUS_IP/24" dev mgmt
  ip -n "$CUMULUS_NS" link set mgmt up
  ip -n "$CUMULUS_NS" link set svc up
  ip -n "$CUMULUS_NS" link set out up
  ip -n "$CUMULUS_NS" route replace default via "$MGMT_NET.1"
}

# ---- databases: what was once made is kept, under a name that says from what (a new setting needs no new database)

cumulus_cache() {
  local key
  key=$({ dpkg-query -W "${CUMULUS_PACKAGES[@]}"; echo "$CUMULUS_CINDER"; cat "$LAB_BIN"/cumulus/{neutron_tables,prepare}.py; } | sha256sum | cut -c1-12)
  echo "$LAB_CACHE/cumulus-$LAB_ID-$key.tgz"
}

cumulus_databases() {
  [ ! -e "$CUMULUS_DIR/db/keystone.db" ] || return 0
  if [ -s "$(cumulus_cache)" ]; then
    tar xzf "$(cumulus_cache)" -C "$CUMULUS_DIR"
    return
  fi
  say "  the databases of OpenStack are made: once, some minutes"
  quietly "making the databases" cumulus_databases_make
}

# Each of them complains into its own log; the first bad end is told.
cumulus_databases_make() {
  local name pid making=()
  cumulus_make keystone "cd $CUMULUS; k='--config-file etc/keystone.conf'
    keystone-manage \$k db_sync
    keystone-manage \$k fernet_setup --keystone-user root --keystone-group root
    keystone-manage \$k credential_setup --keystone-user root --keystone-group root
    keystone-manage \$k bootstrap --bootstrap-password $CUMULUS_ADMIN_PASSWORD --bootstrap-region-id RegionOne \
      --bootstrap-public-url http://$CUMULUS_IP:5000/v3/ --bootstrap-internal-url http://127.0.0.1:5000/v3/"
  cumulus_make glance "cd $CUMULUS; glance-manage --config-file etc/glance-api.conf db_sync
    OS_PLACEMENT_CONFIG_DIR=$CUMULUS/etc/placement placement-manage --config-file etc/placement/placement.conf db sync"
  cumulus_make neutron "cd $CUMULUS; python3 $LAB_BIN/cumulus/neutron_tables.py sqlite:///$CUMULUS/db/neutron.db
    neutron-db-manage --config-file etc/neutron.conf stamp heads"
  cumulus_make nova "cd $CUMULUS; n='nova-manage --config-file etc/nova.conf'
    \$n api_db sync
    \$n cell_v2 map_cell0 --database_connection 'sqlite:///$CUMULUS/db/nova_cell0.db?timeout=60'
    \$n db sync
    \$n cell_v2 create_cell --name cell1"
  [ "$CUMULUS_CINDER" = 0 ] || cumulus_make cinder "cd $CUMULUS; cinder-manage --config-file etc/cinder.conf db sync"
  for pid in "${making[@]}"; do wait "${pid#*:}" || { name=${pid%:*}; break; }; done
  if [ -n "${name:-}" ]; then
    echo "the databases of $name:"; tail -n 15 "$CUMULUS_DIR/log/make-$name.log"
    rm -f "$CUMULUS_DIR"/db/*
    return 1
  fi
  # Readers beside a writer: without it every service waits for every other.
  python3 -c "import sqlite3, sys; [sqlite3.connect(f).execute('PRAGMA journal_mode=WAL') for f in sys.argv[1:]]" "$CUMULUS_DIR"/db/*.db
}

cumulus_make() { cumulus_in sh -ec "$2" >"$CUMULUS_DIR/log/make-$1.log" 2>&1 & making+=("$1:$!"); }

# Everything but the images is kept: their data is not in a database, and a kernel may be a newer one.
cumulus_prepare() {
  local cache
  cache=$(cumulus_cache)
  if [ ! -s "$cache" ]; then
    cumulus_prepare_with || return 1
    rm -f "$LAB_CACHE"/cumulus-"$LAB_ID"-*.tgz
    mkdir -p "$CUMULUS_DIR"/keep/{etc,db}
    cp -r "$CUMULUS_DIR"/etc/{fernet,credential} "$CUMULUS_DIR/keep/etc/"
    cp "$CUMULUS_DIR/db/cloud.json" "$CUMULUS_DIR/keep/db/"
    python3 "$LAB_BIN/cumulus/keep.py" "$CUMULUS_DIR/db" "$CUMULUS_DIR/keep/db"
    tar czf "$cache.new" -C "$CUMULUS_DIR/keep" etc db && mv "$cache.new" "$cache"
    rm -rf "$CUMULUS_DIR/keep"
  fi
  cumulus_prepare_with "$LAB_KERNEL" "$LAB_INITRD"
}
cumulus_prepare_with() {
  cumulus_in env CINDER="$CUMULUS_CINDER" python3 "$LAB_BIN/cumulus/prepare.py" "$CUMULUS_IP" "$LAB_ID" "$CUMULUS_ADMIN_PASSWORD" "$CUMULUS_PASSWORD" \
    "$CUMULUS/db/cloud.json" "$@"
}

cumulus_down() {
  local pids link
  if has_netns "$CUMULUS_NS"; then
    pids=$(ip netns pids "$CUMULUS_NS" 2>/dev/null || true)
    # Only processes inside this cloud's own namespace.
    # shellcheck disable=SC2086
    [ -z "$pids" ] || kill -9 $pids 2>/dev/null || true
    while [ -n "$(ip netns pids "$CUMULUS_NS" 2>/dev/null)" ]; do sleep 0.05; done
  fi
  for link in m-cumulus s-cumulus o-cumulus out; do
    has_link "$PREFIX$link" && ip link del "$PREFIX$link"
  done
  has_netns "$CUMULUS_NS" && ip netns del "$CUMULUS_NS"
  [ "${1:-}" = --keep ] || rm -rf "$CUMULUS_DIR"
  # The sites may still stand on the bridges.
  if [ ! -d "$LAB_STATE/sites" ]; then
    net_gone
    [ "${1:-}" = --keep ] || rm -rf "$LAB_STATE"
    rmdir "$LAB_STATE_ROOT" 2>/dev/null || true
    rm -f "$LAB_OWNER" "$LAB_OWNER.lock"
  fi
  say "cumulus of lab $LAB_ID is down"
}

cumulus_env() {
  printf "export %s='%s'\n" CF_CUMULUS_URL "http://$CUMULUS_IP:5000/v3" CF_CUMULUS_IP "$CUMULUS_IP" \
    CF_CUMULUS_USER crossfade CF_CUMULUS_PASSWORD "$CUMULUS_PASSWORD" CF_CUMULUS_PROJECT crossfade CF_CUMULUS_REGION RegionOne \
    CF_CUMULUS_FLOATING "$CUMULUS_OUTSIDE.10"
  [ ! -s "$CUMULUS_DIR/db/cloud.json" ] ||
    jq -r '"export CF_CUMULUS_CREDENTIAL_ID='"'"'\(.credential_id)'"'"'\nexport CF_CUMULUS_CREDENTIAL_SECRET='"'"'\(.credential_secret)'"'"'"' "$CUMULUS_DIR/db/cloud.json"
}

# Python's own client, as administrator; `OS_USERNAME=crossfade` and so on are left to the caller.
cumulus_client() {
  env -u http_proxy -u https_proxy -u HTTP_PROXY -u HTTPS_PROXY PATH=/usr/bin:/bin OS_AUTH_URL="http://$CUMULUS_IP:5000/v3" OS_IDENTITY_API_VERSION=3 \
    OS_USERNAME="${OS_USERNAME:-admin}" OS_PASSWORD="${OS_PASSWORD:-$CUMULUS_ADMIN_PASSWORD}" OS_PROJECT_NAME="${OS_PROJECT_NAME:-admin}" \
    OS_USER_DOMAIN_NAME=Default OS_PROJECT_DOMAIN_NAME=Default openstack "$@"
}

cumulus_status() {
  local pid log
  pid=$(cumulus_pid)
  [ -n "$pid" ] || { say "cumulus of lab $LAB_ID is not running"; return; }
  say "cumulus   http://$CUMULUS_IP:5000/v3   state $CUMULUS_DIR"
  for log in "$CUMULUS_DIR"/log/*.log; do
    printf '  %-22s %6s lines, last written %s\n' "$(basename "$log" .log)" "$(wc -l <"$log")" "$(date -r "$log" +%T)"
  done
  # shellcheck disable=SC2016
  cumulus_in sh -c 'ps -eo rss= | awk "{ s += \$1 } END { printf \"  memory %d MiB in %d processes\n\", s / 1024, NR }"'
  cumulus_in virsh -q -c 'qemu+unix:///system?socket=/run/libvirt/libvirt-sock' list --all </dev/null | sed 's/^/  /'
}
