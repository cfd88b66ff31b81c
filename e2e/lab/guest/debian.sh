#!/bin/bash
# A Debian of its own for the test of conversion: `debian.sh OUT.raw`, as root. Its initramfs has the drivers of SATA disks and none
# of virtio, as an installer leaves it that looked at the machine it was in: on a virtio disk it does not find its root. It has no
# init system, which would cost a minute under emulation: /sbin/init loads the driver of its card and serves, on port 80, what it
# sees of its hardware. Its address is text in front of its partition, so that a copy gets another one by dd: see $MARK.
set -euo pipefail
OUT=$1
SIZE=${2:-1200M}
MARK=2000                                       # in this sector: A.B.C.D/N and a word, 512 bytes with zeroes after them
WORK=$(mktemp -d "$(dirname "$OUT")/debian.XXXXXX")
trap 'rm -rf "$WORK"' EXIT

cat >"$WORK/init" <<'INIT'
#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev 2>/dev/null
mount -o remount,rw /
for module in e1000e vmxnet3 virtio_net button evdev; do modprobe $module 2>/dev/null; done
ip link set lo up
root=$(awk '$2 == "/" && $1 ~ /^\/dev/ { print $1 }' /proc/mounts)
disk=$(basename "$root" | sed 's/[0-9]*$//')
read -r address mark <<TEXT
$(dd if=/dev/$disk bs=512 skip=2000 count=1 2>/dev/null | tr -d '\0')
TEXT
tries=0
until card=$(ls /sys/class/net | grep -v '^lo$' | head -n 1) && [ -n "$card" ]; do
  tries=$((tries + 1)); [ $tries -lt 100 ] || break; sleep 0.1
done
ip addr add "$address" dev "$card"; ip link set "$card" up
boots=$(($(cat /var/lib/boots 2>/dev/null || echo 0) + 1)); echo $boots >/var/lib/boots; sync
mkdir -p /run/www
printf '{"name":"debian","root":"%s","disk_driver":"%s","card_driver":"%s","boots":%s,"mark":"%s"}\n' "$root" \
  "$(basename "$(readlink -f "/sys/block/$disk/device/driver")")" \
  "$(basename "$(readlink -f "/sys/class/net/$card/device/driver")")" "$boots" "$mark" >/run/www/status
echo "cf: up on $root with $card at $address"
busybox httpd -p 80 -h /run/www
# The power button: events of the first input device.
(dd if=/dev/input/event0 of=/dev/null bs=24 count=1 2>/dev/null && { sync; busybox poweroff -f; }) &
while true; do sleep 3600; done
INIT
chmod 755 "$WORK/init"

cat >"$WORK/in-the-tree" <<'HOOK'
#!/bin/bash
set -euo pipefail
tree=$1
# Only what a virtual machine can meet: the disk stays small, and unpacking it in an emulated appliance short.
cd "$tree"/lib/modules/*/kernel
find . -name '*.ko*' | grep -vE '/(ext4|jbd2|mbcache|crc16|crc32c|crc32c_generic|libcrc32c|crct10dif|t10-pi|crc64|scsi|sd_mod|ata|libata|libahci|ahci|virtio|e1000e|vmxnet3|failover|net_failover|evdev|button|cdrom|sr_mod|ptp|pps_core|lib/|crypto/|block/|drivers/char/hw_random)' | xargs rm -f
find . -path '*/drivers/scsi/*' -name '*.ko*' | grep -vE '/(sd_mod|scsi_mod|scsi_common|sr_mod|sg|virtio_scsi|vmw_pvscsi)\.ko' | xargs rm -f
cd /
chroot "$tree" depmod "$(ls "$tree/lib/modules")"
# Made for the hardware it stands on, once; the next one may hold everything again.
cp "$tree/etc/initramfs-tools/initramfs.conf" "$tree/etc/initramfs-tools/was"
sed -i 's/^MODULES=.*/MODULES=list/' "$tree/etc/initramfs-tools/initramfs.conf"
printf '%s\n' ahci sd_mod ext4 >>"$tree/etc/initramfs-tools/modules"
chroot "$tree" update-initramfs -u
mv "$tree/etc/initramfs-tools/was" "$tree/etc/initramfs-tools/initramfs.conf"
if lsinitramfs "$tree"/boot/initrd.img-* | grep -q virtio_blk; then echo "its initramfs has virtio"; exit 1; fi
rm -rf "$tree"/usr/share/{doc,man,locale,info} "$tree"/var/lib/apt/lists/* "$tree"/var/cache/apt/*
HOOK
chmod 755 "$WORK/in-the-tree"

mmdebstrap --quiet --variant=minbase --include=linux-image-amd64,grub-pc,busybox,iproute2,kmod,initramfs-tools \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --aptopt='Acquire::Languages "none"' --customize-hook="$WORK/in-the-tree" \
  bookworm "$WORK/tree.tar"

truncate -s "$SIZE" "$WORK/disk.raw"
cat >"$WORK/grub" <<'GRUB'
GRUB_DEFAULT=0
GRUB_TIMEOUT=0
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX="console=tty0 console=ttyS0 init=/sbin/init net.ifnames=0"
GRUB_TERMINAL="console serial"
GRUB_DISABLE_OS_PROBER=true
GRUB
guestfish -a "$WORK/disk.raw" <<FISH
run
part-init /dev/sda mbr
part-add /dev/sda p 2048 -1
part-set-bootable /dev/sda 1 true
mkfs ext4 /dev/sda1
mount /dev/sda1 /
tar-in $WORK/tree.tar /
rm-f /sbin/init
upload $WORK/init /sbin/init
chmod 0755 /sbin/init
upload $WORK/grub /etc/default/grub
write /etc/fstab "/dev/sda1 / ext4 errors=remount-ro 0 1\n"
sh "grub-install --target=i386-pc /dev/sda"
sh "update-grub"
FISH
printf '10.0.0.2/24 nobody' | dd of="$WORK/disk.raw" bs=512 seek=$MARK conv=notrunc status=none
mv "$WORK/disk.raw" "$OUT"
