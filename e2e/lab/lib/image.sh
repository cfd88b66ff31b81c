# Kernel, initrd and empty disk of the machines: built once, shared by all labs of this user.
# Every file's name says what it was made from, so nothing in use is ever overwritten.
# shellcheck shell=bash

LAB_KERNEL=
LAB_INITRD=
# virtio has to be loaded by hand in init.c; the rest of what a machine needs is built in.
MODULES=(virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci
         virtio_blk failover net_failover virtio_net button evdev
         scsi_common scsi_mod libata ata_piix cdrom sr_mod nls_cp437 nls_ascii fat vfat)

images_ready() {
  mkdir -p "$LAB_CACHE"
  exec 8>"$LAB_CACHE/lock"
  flock 8
  kernel_ready
  initrd_ready
  template_ready 1G >/dev/null
  exec 8>&-
}

kernel_ready() {
  local package
  package=$(cat "$LAB_CACHE/kernel-package" 2>/dev/null || true)
  if [ -z "$package" ] || [ ! -s "$LAB_CACHE/$package/vmlinux" ] || ! modules_there "$LAB_CACHE/$package/modules"; then
    quietly "fetching a kernel for the machines" kernel_fetch
    package=$(cat "$LAB_CACHE/kernel-package")
  fi
  LAB_KERNEL=$LAB_CACHE/$package/vmlinux
}

# A cache of an earlier list may lack some.
modules_there() {
  local module
  for module in "${MODULES[@]}"; do [ -s "$1/$module.ko" ] || return 1; done
}

kernel_fetch() {
  local package work
  package=$(kernel_package)
  [ -n "$package" ] || { apt-get -q update; package=$(kernel_package); }
  [ -n "$package" ] || { echo "no linux-image-*-cloud-amd64 in the package sources"; return 1; }
  work=$(mktemp -d "$LAB_CACHE/fetch.XXXXXX")
  (
    cd "$work"
    # Security updates remove old kernels from the mirror: lists that are a day old may point at nothing.
    apt-get -q download "$package" || { apt-get -q update; apt-get -q download "$package"; }
    dpkg -x ./*.deb x
    kernel_unpack x/boot/vmlinuz-* >vmlinux
    mkdir modules
    for module in "${MODULES[@]}"; do
      find x/lib/modules -name "$module.ko" -exec cp {} modules/ \;
      [ -s "modules/$module.ko" ] || { echo "kernel package $package has no module $module"; exit 1; }
    done
    rm -rf x ./*.deb
  ) || return 1
  rm -rf "${LAB_CACHE:?}/$package"
  mv "$work" "$LAB_CACHE/$package"
  echo "$package" >"$LAB_CACHE/kernel-package"
}

kernel_package() {
  apt-cache depends linux-image-cloud-amd64 2>/dev/null |
    awk '/Depends: linux-image-[0-9].*-cloud-amd64$/ { print $2; exit }'
}

# The plain ELF kernel out of a bzImage: it starts without unpacking itself, which
# saves over a second per machine under emulation.
kernel_unpack() {
  local setup offset length
  number() { od -An -t "u$2" -j "$(($3))" -N "$2" "$1" | tr -d ' '; }
  setup=$(number "$1" 1 0x1f1)
  offset=$(($(number "$1" 4 0x248) + (setup + 1) * 512))
  length=$(number "$1" 4 0x24c)
  # The last 4 bytes are the unpacked length, not lz4: it complains after the work is done.
  tail -c +$((offset + 1)) "$1" | head -c $((length - 4)) | lz4 -dc 2>/dev/null >"$1.elf" || true
  [ "$(head -c 4 "$1.elf" | tail -c 3)" = ELF ] || { echo "no ELF kernel in $1 (is it packed with lz4?)" >&2; return 1; }
  cat "$1.elf"
}

initrd_ready() {
  local key
  key=$({ cat "$LAB_BIN/guest/init.c" "$LAB_CACHE/kernel-package"; echo "${MODULES[@]}"; } | sha256sum | cut -c1-12)
  LAB_INITRD=$LAB_CACHE/initrd-$key
  [ -s "$LAB_INITRD" ] || quietly "building the machines' initrd" initrd_build
}

initrd_build() {
  local root
  root=$(mktemp -d)
  mkdir "$root/modules" "$root/dev"
  # Without /dev/console in the image the kernel starts init with no output at all.
  mknod "$root/dev/console" c 5 1
  cp "$(dirname "$LAB_KERNEL")"/modules/*.ko "$root/modules/"
  gcc -Os -static -s -o "$root/init" "$LAB_BIN/guest/init.c" || return 1
  # Not compressed: QEMU copies faster than an emulated CPU unpacks.
  (cd "$root" && find . | cpio -o -H newc --quiet) >"$LAB_INITRD.new"
  rm -rf "$root"
  mv "$LAB_INITRD.new" "$LAB_INITRD"
}

# template_ready SIZE [MIB]: prints the path of a disk with a file system on it, empty or
# with so many MiB of random data in /fill.
template_ready() {
  local size=$1 fill=${2:-0} template raw tree
  template=$LAB_CACHE/template-$size-$fill.qcow2 raw=$LAB_CACHE/template.$$.raw
  if [ ! -s "$template" ]; then
    tree=$(mktemp -d "$LAB_CACHE/tree.XXXXXX")
    [ "$fill" = 0 ] || head -c "${fill}M" /dev/urandom >"$tree/fill"
    truncate -s "$size" "$raw" || die "'$size' is not a size such as 512M or 1G"
    # A small journal and few inodes: the disk starts with 2 MiB in use.
    mkfs.ext4 -q -F -L data -m 0 -N 1024 -J size=4 -E lazy_itable_init=0,lazy_journal_init=0 -d "$tree" "$raw" >&2 ||
      die "cannot make a file system of $size with $fill MiB in it: take at least 64M, and more than the data"
    qemu-img convert -O qcow2 -o compat=1.1 "$raw" "$template.$$"
    rm -rf "$raw" "$tree"
    mv "$template.$$" "$template"
  fi
  echo "$template"
}
