#!/usr/bin/env bash
# Copies the primary once, and follows it from then on. Once promoted, it must not wait for a standby of its own until there is one: therefore
# the setting on the command line, which stands above the copied one.
set -euo pipefail

if ! [ -s "$PGDATA/PG_VERSION" ]; then
  install -d -o postgres -g postgres -m 700 "$PGDATA"
  until gosu postgres pg_basebackup --pgdata "$PGDATA" --host postgres-1 --username replicator --write-recovery-conf --wal-method stream --checkpoint fast; do
    sleep 1
  done
fi
exec docker-entrypoint.sh postgres -c synchronous_standby_names=
