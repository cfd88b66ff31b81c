#!/bin/bash
# postgres.sh COMMAND…: runs it with CROSSFADE_TEST_PG set to a private PostgreSQL cluster that is gone afterwards.
# Listens on a socket in its own folder only. As root it runs as the user postgres, as everybody else as oneself.
set -euo pipefail
[ $# -gt 0 ] || { sed -n 's/^# //p' "$0" >&2; exit 2; }
BIN=$(find /usr/lib/postgresql -name initdb 2>/dev/null | sort -V | tail -n 1 | xargs -r dirname)
[ -n "$BIN" ] || BIN=$(dirname "$(command -v initdb || true)")
[ -x "$BIN/initdb" ] || { echo "PostgreSQL's initdb is missing (Debian: apt-get install postgresql)" >&2; exit 3; }

DIR=$(mktemp -d /tmp/crossfade-pg.XXXXXX)
as() { if [ "$(id -u)" = 0 ]; then (cd "$DIR" && runuser -u postgres -- "$@"); else "$@"; fi; }
[ "$(id -u)" != 0 ] || chown postgres "$DIR"
chmod 755 "$DIR"
stop() { as "$BIN/pg_ctl" -D "$DIR/data" -m immediate -w stop >/dev/null 2>&1 || true; rm -rf "$DIR"; }
trap stop EXIT
trap 'exit 130' INT TERM HUP

# No fsync: the data is thrown away.
as "$BIN/initdb" -D "$DIR/data" -U crossfade -A trust --no-sync >/dev/null
as "$BIN/pg_ctl" -D "$DIR/data" -w -l "$DIR/log" -o "-k $DIR -c listen_addresses= -c fsync=off -c max_connections=300" start >/dev/null ||
  { cat "$DIR/log" >&2; exit 1; }
CROSSFADE_TEST_PG="postgres:///postgres?host=$DIR&user=crossfade" "$@"
