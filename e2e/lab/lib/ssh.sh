# A site that is reached by ssh as well. dropbear: Debian's package of it brings no service along.
# shellcheck shell=bash

site_ssh() {
  local site=$1 dir ip
  site_check "$site"
  dir=$(site_dir "$site")/ssh ip=$(site_ip "$site")
  command -v dropbear >/dev/null && command -v ssh >/dev/null || die "apt-get install dropbear-bin openssh-client"
  if [ ! -s "$dir/id" ]; then
    mkdir -p "$dir/home/.ssh"
    chmod 700 "$dir/home" "$dir/home/.ssh"
    dropbearkey -t ed25519 -f "$dir/host" >/dev/null 2>&1
    ssh-keygen -q -t ed25519 -N '' -C crossfade-lab -f "$dir/id"
    cp "$dir/id.pub" "$dir/home/.ssh/authorized_keys"
    echo "$ip $(dropbearkey -y -f "$dir/host" | grep '^ssh-ed25519' | cut -d' ' -f1,2)" >"$dir/known_hosts"
    # This machine's own home of root stays as it is.
    awk -F: -v OFS=: -v home="$dir/home" '$1 == "root" { $6 = home; $7 = "/bin/sh" } { print }' /etc/passwd >"$dir/passwd"
  fi
  # shellcheck disable=SC2016
  (site_in "$site" sh -c 'kill -0 "$(cat "$1/pid" 2>/dev/null)" 2>/dev/null || {
    mount --bind "$1/passwd" /etc/passwd && dropbear -r "$1/host" -s -p "$2:22" -P "$1/pid" 2>"$1/log"; }' sh "$dir" "$ip" 9>&-)
  printf "export CF_%s_SSH_URI='qemu+ssh://root@%s/system' CF_%s_SSH='%s'\n" "${site^^}" "$ip" "${site^^}" "$dir"
}
