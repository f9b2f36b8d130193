#!/bin/sh
# Recovers a base backup by the log into a server of its own, on a socket, up to the mark of the live server's log.
set -eu
umask 077
. "$SCRIPTS/connection.sh"
data=$SCRATCH/data
mark() { cat "$SCRATCH/mark/$1"; }
stop() { pg_ctl -D "$data" -m immediate stop >/dev/null 2>&1 || :; rm -rf "$data"; }
trap stop EXIT
trap 'exit 143' HUP INT TERM

# The live server's own settings name files and programs of its pod.
: >"$data/postgresql.auto.conf"
rm -f "$data/standby.signal"
: >"$data/recovery.signal"
if [ ! -d "$data/pg_wal" ]; then rm -f "$data/pg_wal"; mkdir "$data/pg_wal"; fi
chmod 0700 "$data"
echo 'local all all trust' >"$SCRATCH/hba.conf"
: >"$SCRATCH/ident.conf"
# A subscription of the live server must not run twice.
cat >"$SCRATCH/server.conf" <<CONF
hba_file = '$SCRATCH/hba.conf'
ident_file = '$SCRATCH/ident.conf'
listen_addresses = ''
unix_socket_directories = '$SCRATCH'
restore_command = '/bin/sh $SCRIPTS/archive-segment.sh $SCRATCH/log/%f %p'
recovery_target_lsn = '$(mark position)'
recovery_target_action = promote
archive_mode = off
hot_standby = off
max_logical_replication_workers = 0
autovacuum = off
fsync = off
full_page_writes = off
max_wal_size = 1GB
huge_pages = off
CONF
pg_ctl -D "$data" -W -l "$SCRATCH/server.log" -o "-c config_file=$SCRATCH/server.conf" start >/dev/null
# It answers once it has reached the mark, and ends where it cannot; the Job bounds the time.
until pg_isready -q -h "$SCRATCH" -U "$ADMINISTRATOR"; do
  sleep 1
  pg_ctl -D "$data" status >/dev/null && continue
  tail -n 20 "$SCRATCH/server.log" >&2
  echo "drill: the archive does not lead to $(mark position) of $(mark segment)" >&2
  exit 65
done
server="host=$SCRATCH user=$ADMINISTRATOR"
recovered="$server dbname=$(mark database)"
sql "$recovered" <"$SCRIPTS/tables.sql" >"$SCRATCH/tables"
if grep -vxF -f "$SCRATCH/tables" "$SCRATCH/mark/tables" >&2; then
  echo 'drill: these tables of the live server were not recovered' >&2
  exit 65
fi
rows=$(sql "$recovered" <<'SQL' | awk '{ sum += $1 } END { print sum + 0 }'
SELECT format('SELECT count(*) FROM %I.%I', nspname, relname) FROM pg_class
  JOIN pg_namespace ON pg_namespace.oid = relnamespace
  WHERE relkind = 'r' AND nspname !~ '^pg_' AND nspname <> 'information_schema' \gexec
SQL
)
pg_amcheck --install-missing --heapallindexed -h "$SCRATCH" -U "$ADMINISTRATOR" -d "$(mark database)"
echo 'SELECT pg_last_xact_replay_timestamp()' | sql "$recovered" >"$SCRATCH/newest"
echo "drill: the base backup $(mark backup) and the log lead to $(cat "$SCRATCH/newest"): \
$(wc -l <"$SCRATCH/tables") tables, $rows rows, indexes are whole"
