# One authority per lab; a certificate per site (server and client in one: a site is the
# client of the other during a migration) and one for the console.
# shellcheck shell=bash

PKI=$LAB_STATE/pki

pki_ready() {
  local site
  mkdir -p "$PKI"
  if [ ! -s "$PKI/ca-cert.pem" ]; then
    pki_key "$PKI/ca-key.pem"
    openssl req -x509 -new -key "$PKI/ca-key.pem" -days 3650 -subj "/CN=Crossfade lab $LAB_ID" \
      -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
      -out "$PKI/ca-cert.pem"
  fi
  pki_issue console client clientAuth ""
  for site in "${SITES[@]}"; do
    pki_issue "$site" server serverAuth,clientAuth "subjectAltName=DNS:$site,DNS:$site.lab,IP:$(site_ip "$site")"
    pki_copy "$site" server client
  done
}

pki_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; chmod 600 "$1"; }

# pki_issue NAME ROLE USAGE SAN
pki_issue() {
  local dir=$PKI/$1
  [ -s "$dir/$2cert.pem" ] && return
  mkdir -p "$dir"
  pki_key "$dir/$2key.pem"
  openssl req -new -key "$dir/$2key.pem" -subj "/CN=$1" -out "$dir/request.pem"
  printf 'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=%s\n%s\n' "$3" "$4" >"$dir/extensions"
  openssl x509 -req -in "$dir/request.pem" -CA "$PKI/ca-cert.pem" -CAkey "$PKI/ca-key.pem" -CAcreateserial \
    -days 3650 -extfile "$dir/extensions" -out "$dir/$2cert.pem" 2>/dev/null
  rm "$dir/request.pem" "$dir/extensions"
  cp "$PKI/ca-cert.pem" "$dir/cacert.pem"
  pki_copy "$1" "$2" "$2"
}

# libvirt says clientcert.pem where QEMU and libnbd say client-cert.pem: have both.
pki_copy() {
  local dir=$PKI/$1 part
  for part in cert key; do
    [ "$2" = "$3" ] || cp -p "$dir/$2$part.pem" "$dir/$3$part.pem"
    cp -p "$dir/$2$part.pem" "$dir/$3-$part.pem"
  done
  cp "$dir/cacert.pem" "$dir/ca-cert.pem"
}
