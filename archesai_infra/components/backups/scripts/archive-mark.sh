#!/bin/sh
# Writes a mark into the live server's log: a recovery from the archive has to reach it.
set -eu
umask 077
. "$SCRIPTS/connection.sh"
connect "$DATABASE_URL"
mark=$SCRATCH/mark
mkdir -p "$mark" "$SCRATCH/log"
ask 'SELECT current_database()' >"$mark/database"
sql "$url" <"$SCRIPTS/tables.sql" >"$mark/tables"
# Anybody may write such a message. It is a transaction, so that its segment is archived after archive_timeout at the latest.
ask "SELECT pg_logical_emit_message(true, 'archesai', 'drill')" >"$mark/position"
ask 'SELECT pg_walfile_name(pg_current_wal_insert_lsn())' >"$mark/segment"
