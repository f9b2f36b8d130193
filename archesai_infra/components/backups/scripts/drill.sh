#!/bin/sh
# Restores the newest dump into a server of its own, on a socket: nothing of the real one is touched.
set -eu
umask 077
. "$SCRIPTS/store.sh"
. "$SCRIPTS/connection.sh"
. "$SCRIPTS/archive.sh"
. "$SCRIPTS/roles.sh"
. "$SCRIPTS/load.sh"
choose database
now=$(date -u +%s)
taken=$(date -u -d "$(echo "$name" | sed 's/\(....\)\(..\)\(..\)T\(..\)\(..\)\(..\)Z/\1-\2-\3 \4:\5:\6/')" +%s)
age=$((now - taken))
[ "$age" -le "$MAX_AGE" ] || { echo "drill: the newest dump, $name, is $age s old" >&2; exit 65; }
data=$SCRATCH/data
rm -rf "$data" "$SCRATCH/work"
work_in "$SCRATCH/work"
mkdir "$work"

initialize() { # initdb wants a name for its user, which a number of the manifest does not have
  if getent passwd "$(id -u)" >/dev/null; then "$@"; return; fi
  for wrapper in /usr/lib/*/libnss_wrapper.so /usr/lib/libnss_wrapper.so; do
    [ -f "$wrapper" ] || continue
    echo "postgres:x:$(id -u):$(id -g)::$work:/bin/false" >"$work/passwd"
    echo "postgres:x:$(id -g):" >"$work/group"
    LD_PRELOAD=$wrapper NSS_WRAPPER_PASSWD=$work/passwd NSS_WRAPPER_GROUP=$work/group "$@"
    return
  done
  echo "drill: the image has neither a user $(id -u) nor libnss_wrapper" >&2
  return 69
}

initialize initdb -D "$data" -U admin --auth=trust --encoding=UTF8 --locale=C.UTF-8 --data-checksums --no-sync >/dev/null
stop() { pg_ctl -D "$data" -m immediate stop >/dev/null 2>&1 || :; rm -rf "$data" "$work"; }
trap stop EXIT
trap 'exit 143' HUP INT TERM
pg_ctl -D "$data" -w -t 120 -l "$SCRATCH/log" start \
  -o "-c listen_addresses='' -c unix_socket_directories='$SCRATCH' -c fsync=off -c full_page_writes=off \
  -c maintenance_work_mem=$MAINTENANCE_MEMORY -c max_parallel_maintenance_workers=$JOBS -c max_wal_size=1GB \
  -c huge_pages=off" >/dev/null
export PGHOST="$SCRATCH"
administrator="user=admin dbname=drill"
if [ -f "$dump/tables" ]; then cp "$dump/tables" "$work/rows"; else count "$dump" >"$work/rows"; fi
restore_roles "user=admin dbname=postgres" "$dump"
sql "user=admin dbname=postgres" <<'SQL'
CREATE ROLE archesai_drill LOGIN NOSUPERUSER;
CREATE DATABASE drill TEMPLATE template0 OWNER archesai_drill;
SQL
load "$dump" "$administrator" "user=archesai_drill dbname=drill" archesai_drill
pg_amcheck --install-missing --heapallindexed -U admin -d drill
echo "drill: $name restored in $(($(date -u +%s) - now)) s: rows and indexes are whole, the dump is $age s old"
