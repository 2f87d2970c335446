#!/usr/bin/env bash
# Runs once, when the primary's files are made. The roles of the standby and of HAProxy, and synchronous replication from the next start on:
# with it, a commit here would wait for a standby that is not there yet.
set -euo pipefail

psql --set ON_ERROR_STOP=1 --set password="$REPLICATION_PASSWORD" --username auth --dbname postgres <<'SQL'
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'password';
CREATE ROLE haproxy LOGIN;
ALTER SYSTEM SET synchronous_standby_names = '*';
SQL

# HAProxy may ask for pg_is_in_recovery() without a password, and its role can read nothing of the server's.
{
  echo 'host postgres haproxy samenet trust'
  echo 'host replication replicator samenet scram-sha-256'
  cat "$PGDATA/pg_hba.conf"
} >"$PGDATA/pg_hba.new"
mv "$PGDATA/pg_hba.new" "$PGDATA/pg_hba.conf"
