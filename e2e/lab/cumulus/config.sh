# The configuration of every service.  Inside its namespaces the cloud sees its state folder as /mnt/cumulus, so the
# databases, which know some paths, can be kept and used again anywhere.
# shellcheck shell=bash disable=SC2034

CUMULUS=/mnt/cumulus
# These never leave the lab's namespaces.
CUMULUS_ADMIN_PASSWORD=admin-of-the-lab
CUMULUS_PASSWORD=crossfade-of-the-lab
# With the lab's own 'mount' first: see cumulus_config_cinder.
CUMULUS_PRIVSEP="/usr/bin/env PATH=$CUMULUS/bin:/usr/sbin:/usr/bin:/sbin:/bin /usr/bin/privsep-helper --config-file"

cumulus_configure() {
  local etc=$1/etc
  mkdir -p "$etc/placement"
  cumulus_config_keystone >"$etc/keystone.conf"
  cumulus_config_glance >"$etc/glance-api.conf"
  cumulus_config_placement >"$etc/placement/placement.conf"
  cumulus_config_nova >"$etc/nova.conf"
  cumulus_config_neutron >"$etc/neutron.conf"
  cumulus_config_rabbit >"$etc/rabbitmq.conf"
  rm -f "$etc/cinder.conf"
  [ "$CUMULUS_CINDER" = 0 ] || cumulus_config_cinder "$1"
  cumulus_config_libvirt "$1"
}

cumulus_login() {
  cat <<TEXT
www_authenticate_uri = http://$CUMULUS_IP:5000
auth_url = http://127.0.0.1:5000
auth_type = password
username = admin
password = $CUMULUS_ADMIN_PASSWORD
project_name = admin
user_domain_name = Default
project_domain_name = Default
region_name = RegionOne
TEXT
}

# What all of them have: tokens, queue, locks, their own SQLite file (without the long timeout: "database is locked").
cumulus_config_common() {
  cat <<TEXT
[keystone_authtoken]
$(cumulus_login)
service_token_roles = admin
service_token_roles_required = true
[oslo_concurrency]
lock_path = $CUMULUS/lock
TEXT
}
cumulus_database() { echo "connection = sqlite:///$CUMULUS/db/$1.db?timeout=60"; }

cumulus_config_keystone() {
  cat <<TEXT
[database]
$(cumulus_database keystone)
[fernet_tokens]
key_repository = $CUMULUS/etc/fernet
[credential]
key_repository = $CUMULUS/etc/credential
[token]
expiration = ${CROSSFADE_CUMULUS_TOKEN_SECONDS:-3600}
[cache]
enabled = false
TEXT
}

cumulus_config_glance() {
  cat <<TEXT
[DEFAULT]
bind_host = 0.0.0.0
bind_port = 9292
workers = 0
enabled_backends = fs:file
[glance_store]
default_backend = fs
[fs]
filesystem_store_datadir = $CUMULUS/images
[os_glance_tasks_store]
filesystem_store_datadir = $CUMULUS/images/tasks
[os_glance_staging_store]
filesystem_store_datadir = $CUMULUS/images/staging
[database]
$(cumulus_database glance)
[paste_deploy]
flavor = keystone
config_file = /usr/share/glance-common/glance-api-paste.ini
$(cumulus_config_common)
TEXT
}

cumulus_config_placement() {
  cat <<TEXT
[api]
auth_strategy = keystone
[placement_database]
$(cumulus_database placement)
$(cumulus_config_common)
TEXT
}

cumulus_config_nova() {
  local helper="$CUMULUS_PRIVSEP $CUMULUS/etc/nova.conf"
  cat <<TEXT
[DEFAULT]
host = cumulus
my_ip = 127.0.0.1
transport_url = rabbit://guest:guest@127.0.0.1:5672/
state_path = $CUMULUS/nova
instances_path = $CUMULUS/nova/instances
compute_driver = libvirt.LibvirtDriver
enabled_apis = osapi_compute
osapi_compute_listen = 0.0.0.0
osapi_compute_workers = 1
api_paste_config = $(find /usr/share/nova-common /etc/nova -name api-paste.ini 2>/dev/null | head -n 1)
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
force_config_drive = true
force_raw_images = false
reserved_host_memory_mb = 0
cpu_allocation_ratio = 64
ram_allocation_ratio = 4
# A guest that does not listen to its power button costs this long at a stop.
shutdown_timeout = 20
sync_power_state_interval = 10
rootwrap_config = /dev/null
[nova_sys_admin]
helper_command = $helper
[vif_plug_linux_bridge_privileged]
helper_command = $helper
[vif_plug_ovs_privileged]
helper_command = $helper
[privsep_osbrick]
helper_command = $helper
[api]
auth_strategy = keystone
[api_database]
$(cumulus_database nova_api)
[database]
$(cumulus_database nova_cell1)
[conductor]
workers = 1
[scheduler]
workers = 1
discover_hosts_in_cells_interval = 5
[cache]
enabled = false
[glance]
api_servers = http://127.0.0.1:9292
[placement]
$(cumulus_login)
[neutron]
$(cumulus_login)
[cinder]
catalog_info = volumev3:cinder:publicURL
$(cumulus_login)
[service_user]
send_service_user_token = true
$(cumulus_login)
[libvirt]
virt_type = qemu
nfs_mount_point_base = $CUMULUS/volumes
cpu_mode = none
connection_uri = qemu+unix:///system?socket=/run/libvirt/libvirt-sock
[vnc]
enabled = false
$(cumulus_config_common)
TEXT
}

cumulus_config_neutron() {
  cat <<TEXT
[DEFAULT]
host = cumulus
bind_host = 0.0.0.0
core_plugin = ml2
service_plugins = router
api_workers = 0
rpc_workers = 1
state_path = $CUMULUS/neutron
api_paste_config = /usr/share/neutron-common/api-paste.ini
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
transport_url = rabbit://guest:guest@127.0.0.1:5672/
interface_driver = linuxbridge
enable_metadata_proxy = false
[database]
$(cumulus_database neutron)
[agent]
root_helper =
$(for context in privsep privsep_dhcp_release privsep_ovs_vsctl privsep_namespace privsep_conntrack privsep_link; do
  printf '[%s]\nhelper_command = /usr/bin/privsep-helper --config-file %s/etc/neutron.conf\n' $context $CUMULUS
done)
[experimental]
linuxbridge = true
[ml2]
type_drivers = flat
tenant_network_types =
mechanism_drivers = linuxbridge
extension_drivers = port_security
[ml2_type_flat]
flat_networks = service,outside
[linux_bridge]
physical_interface_mappings = service:svc,outside:out
[vxlan]
enable_vxlan = false
[securitygroup]
firewall_driver = noop
enable_security_group = true
$(cumulus_config_common)
TEXT
}

# Block storage: the stock NFS driver, on a plain folder. Nova and Cinder "mount" the share by a command that does nothing,
# and find the same folder, which is named by a hash of the share.
cumulus_config_cinder() {
  mkdir -p "$1/bin"
  # shellcheck disable=SC2016
  printf '#!/bin/sh\ncase " $* " in *" -t nfs "*) exit 0 ;; esac\nexec /usr/bin/mount "$@"\n' >"$1/bin/mount"
  printf '#!/bin/sh\nexit 0\n' >"$1/bin/mount.nfs"
  # shellcheck disable=SC2016
  printf '#!/bin/sh\nexec "$@"\n' >"$1/bin/sudo"
  # shellcheck disable=SC2016
  printf '#!/bin/sh\nshift\nexec "$@"\n' >"$1/bin/cinder-rootwrap"
  chmod +x "$1"/bin/*
  echo "127.0.0.1:/export" >"$1/etc/nfs_shares"
  cat >"$1/etc/cinder.conf" <<TEXT
[DEFAULT]
host = cumulus
my_ip = 127.0.0.1
transport_url = rabbit://guest:guest@127.0.0.1:5672/
osapi_volume_listen = 0.0.0.0
osapi_volume_workers = 1
api_paste_config = $(find /usr/share/cinder-common /etc/cinder -name api-paste.ini 2>/dev/null | head -n 1)
auth_strategy = keystone
state_path = $CUMULUS/cinder
enabled_backends = files
default_volume_type = files
glance_api_servers = http://127.0.0.1:9292
rootwrap_config = /dev/null
[database]
$(cumulus_database cinder)
[files]
volume_driver = cinder.volume.drivers.nfs.NfsDriver
volume_backend_name = files
nfs_shares_config = $CUMULUS/etc/nfs_shares
nfs_mount_point_base = $CUMULUS/volumes
nfs_snapshot_support = true
nas_secure_file_operations = false
nas_secure_file_permissions = false
[privsep_osbrick]
helper_command = $CUMULUS_PRIVSEP $CUMULUS/etc/cinder.conf
[cinder_sys_admin]
helper_command = $CUMULUS_PRIVSEP $CUMULUS/etc/cinder.conf
[nova]
interface = public
$(cumulus_login)
[service_user]
send_service_user_token = true
$(cumulus_login)
$(cumulus_config_common)
TEXT
}

cumulus_config_rabbit() {
  printf '%s\n' 'listeners.tcp.1 = 127.0.0.1:5672' 'log.console.level = warning' 'vm_memory_high_watermark.absolute = 1GB'
}

cumulus_config_libvirt() {
  mkdir -p "$1"/libvirt/{etc,lib,log,cache,run}
  cat >"$1/libvirt/etc/libvirtd.conf" <<TEXT
auth_unix_rw = "none"
auth_unix_ro = "none"
host_uuid = "cf0000${LAB_ID}3-0000-4000-8000-000000000000"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
TEXT
  cat >"$1/libvirt/etc/qemu.conf" <<TEXT
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
TEXT
}
