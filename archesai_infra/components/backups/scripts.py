"""What runs in the pods that make, restore and try dumps: POSIX sh for Debian's tools and for busybox.

Every script reads its settings from the environment, so that tests run the very text that a ConfigMap carries.
"""

from __future__ import annotations

PATH = "/etc/archesai"
"""Where the scripts are mounted; `$SCRIPTS` in the pods."""

NAME_PATTERN = "[0-9]{8}T[0-9]{6}Z"
"""Name of a dump: the moment it began, in UTC. Names sort by age."""

STORE = rf"""# One dump is one directory below $store. It appears whole, by a rename, or not at all.
names() {{ ls "$store" | grep -E '^{NAME_PATTERN}$' || [ $? -eq 1 ]; }}

begin() {{ # begin KIND: take the lock of this kind of dump and an empty place to work in
  store=$BACKUP_DIR/$1
  part=$store/.part
  mkdir -p "$store"
  exec 9>"$store/.lock"
  flock -n 9 || {{ echo "$1: another dump is running" >&2; exit 75; }}
  trap 'rm -rf "$part"' EXIT
  trap 'exit 143' HUP INT TERM
  rm -rf "$part"
  mkdir "$part"
  started=$(date -u +%Y%m%dT%H%M%SZ)
}}

commit() {{ # the work becomes a dump; only then the oldest go
  sync "$part"/* "$part"
  mv -T "$part" "$store/$started"
  sync "$store"
  names | sort -r | tail -n "+$((KEEP + 1))" | while read -r old; do rm -rf "${{store:?}}/$old"; done
}}

choose() {{ # choose KIND [NAME]: the dump of this name, else the newest
  store=$BACKUP_DIR/$1
  name=${{2:-$(names | sort | tail -n 1)}}
  dump=$store/$name
  [ -n "$name" ] && [ -d "$dump" ] || {{ echo "$1: no such dump: ${{name:-there is none}}" >&2; exit 66; }}
}}
"""

LIST = r"""set -eu
. "$SCRIPTS/store.sh"
for kind in database redis; do
  store=$BACKUP_DIR/$kind
  [ -d "$store" ] || continue
  names | sort | while read -r name; do
    bytes=0
    for file in "$store/$name"/*; do bytes=$((bytes + $(wc -c <"$file"))); done
    echo "$kind $name $bytes"
  done
done
"""

# libpq reads everything from the URL but the password, which must not stand on a command line.
CONNECTION = r"""scheme=${DATABASE_URL%%://*}
rest=${DATABASE_URL#*://}
authority=${rest%%[/?]*}
after=${rest#"$authority"}
secret=
case $authority in
  *@*)
    user=${authority%%@*}
    authority=${authority#*@}
    case $user in *:*) secret=${user#*:} ;; esac
    authority=${user%%:*}@$authority
    ;;
esac
PGPASSWORD=
while :; do
  case $secret in
    *%[0-9A-Fa-f][0-9A-Fa-f]*)
      after_escape=${secret#*%??}
      hex=${secret#*%}
      hex=${hex%"$after_escape"}
      PGPASSWORD=$PGPASSWORD${secret%%\%*}$(printf "\\$(printf %03o "0x$hex")")
      secret=$after_escape
      ;;
    *)
      PGPASSWORD=$PGPASSWORD$secret
      break
      ;;
  esac
done
export PGPASSWORD
case $after in *\?*) query=?${after#*\?} ;; *) query= ;; esac
url=$scheme://$authority$after

url_of() { # url_of DATABASE: another database of the same server
  echo "$scheme://$authority/$1$query"
}
ask() { # ask SQL [psql options]: one value
  sql=$1
  shift
  printf '%s\n' "$sql" | psql -X -q -A -t -w -v ON_ERROR_STOP=1 -d "$url" "$@"
}
"""

# pg_restore --list passes dumps that are cut off or damaged; only reading all of it does not.
DUMP_DATABASE = r"""set -eu
umask 077
. "$SCRIPTS/store.sh"
. "$SCRIPTS/connection.sh"
begin database
database=$(ask 'SELECT current_database()')
pg_dumpall -d "$url" -l "$database" -w --globals-only $GLOBALS_OPTIONS -f "$part/globals.sql"
pg_dump -d "$url" -w -Fc -Z "$COMPRESSION" --lock-wait-timeout=60s -f "$part/database.dump"
{ pg_restore --data-only -f - "$part/database.dump" || : >"$part/unreadable"; } |
  awk -f "$SCRIPTS/count.awk" >"$part/rows"
[ ! -e "$part/unreadable" ] || { echo 'database: the dump cannot be read back' >&2; exit 65; }
[ -s "$part/rows" ] || { echo 'database: there is no table in the dump' >&2; exit 65; }
commit
echo "database: $started, $(wc -c <"$store/$started/database.dump") bytes, $(wc -l <"$store/$started/rows") tables"
"""

COUNT = r"""# Rows of each table in the SQL that pg_restore prints.
!copying && /^COPY .* FROM stdin;$/ {
  table = $0
  sub(/^COPY /, "", table)
  sub(/ \([^()]*\) FROM stdin;$/, "", table)
  copying = 1
  rows = 0
  next
}
copying && $0 == "\\." { print rows "\t" table; copying = 0; next }
copying { rows++ }
"""

# Compares the rows of a restored database with those that the dump was read back with.
COMPARE = r"""compare() { # compare URL FILE
  awk -F '\t' '{ printf "SELECT %s, count(*), $name$%s$name$ FROM %s;\n", $1, $2, $2 }' "$2" |
    psql -X -q -A -t -w -v ON_ERROR_STOP=1 -d "$1" |
    awk -F '|' '$1 != $2 { print "rows differ in " $3 ": " $1 " in the dump, " $2 " restored"; bad = 1 }
      { tables++ }
      END { if (!tables) print "no table could be compared"; exit bad || !tables }' >&2
}
"""

# The old database is renamed, never dropped: a restore of the wrong dump can be undone.
RESTORE_DATABASE = r"""set -eu
umask 077
. "$SCRIPTS/store.sh"
. "$SCRIPTS/connection.sh"
. "$SCRIPTS/compare.sh"
choose database "${1:-}"
database=$(ask 'SELECT current_database()')
role=$(ask 'SELECT current_user')
new=${database}_restoring
old=${database}_before_$(date -u +%Y%m%d%H%M%S)_$$
swap_url=$(url_of postgres)
echo "database: restoring $name"
# Roles that are missing come back. The application's own keeps the password it has now.
awk -v role="$role" '{ name = $3; gsub(/[";]/, "", name) }
  $2 != "ROLE" || name != role { print }' "$dump/globals.sql" |
  psql -X -q -w -d "$url" 2>&1 | grep -v 'already exists' >&2 || :
ask 'SET client_min_messages = warning;
DROP DATABASE IF EXISTS :"new" WITH (FORCE)' -v new="$new"
ask "SELECT format('CREATE DATABASE %I TEMPLATE template0 OWNER %I ENCODING %L LC_COLLATE %L LC_CTYPE %L', :'new',
  current_user, pg_encoding_to_char(encoding), datcollate, datctype)
  FROM pg_database WHERE datname = current_database() \\gexec" -v new="$new"
trap 'ask "DROP DATABASE IF EXISTS :\"new\" WITH (FORCE)" -v new="$new"' EXIT
trap 'exit 143' HUP INT TERM
pg_restore -d "$(url_of "$new")" -w -j "$JOBS" --exit-on-error "$dump/database.dump"
compare "$(url_of "$new")" "$dump/rows"
printf '%s\n' 'ANALYZE;' | psql -X -q -w -v ON_ERROR_STOP=1 -d "$(url_of "$new")"
empty=$(ask "SELECT count(*) = 0 FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
trap - EXIT
url=$swap_url
swap() {
  ask 'ALTER DATABASE :"now" ALLOW_CONNECTIONS false;
SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity WHERE datname = :'"'now'"' \g /dev/null
BEGIN;
ALTER DATABASE :"now" RENAME TO :"old";
ALTER DATABASE :"new" RENAME TO :"now";
COMMIT;
ALTER DATABASE :"old" ALLOW_CONNECTIONS true;' -v now="$database" -v new="$new" -v old="$old"
}
if ! swap; then
  ask 'ALTER DATABASE :"now" ALLOW_CONNECTIONS true' -v now="$database"
  echo "database: could not take the place of $database; the restored one is $new" >&2
  exit 1
fi
if [ "$empty" = t ]; then
  ask 'DROP DATABASE :"old" WITH (FORCE)' -v old="$old"
  echo "database: restored $name"
else
  echo "database: restored $name; the one before is kept as $old"
fi
"""

DUMP_REDIS = r"""set -eu
umask 077
. "$SCRIPTS/store.sh"
begin redis
redis-cli --no-auth-warning -h "$REDIS_HOST" -p "$REDIS_PORT" --rdb "$part/dump.rdb" >&2
redis-check-rdb "$part/dump.rdb" >"$part/check" || { cat "$part/check" >&2; exit 65; }
sed -n 's/.*\[info\] \([0-9]*\) keys read.*/\1/p' "$part/check" >"$part/keys"
rm "$part/check"
commit
echo "redis: $started, $(wc -c <"$store/$started/dump.rdb") bytes, $(cat "$store/$started/keys") keys"
"""

# A server on a socket loads the file and hands every key over, with what is left of its time to live.
# A redis with an append-only file would not read the file itself.
RESTORE_REDIS = r"""set -eu
umask 077
. "$SCRIPTS/store.sh"
choose redis "${1:-}"
redis-check-rdb "$dump/dump.rdb" >/dev/null || { echo "redis: the dump $name cannot be read" >&2; exit 65; }
work=$(mktemp -d)
redis-server --port 0 --unixsocket "$work/socket" --dir "$dump" --dbfilename dump.rdb --appendonly no --save '' \
  --daemonize yes --pidfile "$work/pid" --logfile "$work/log" >/dev/null
here() { (unset REDISCLI_AUTH; exec redis-cli --no-auth-warning -e -s "$work/socket" "$@"); }
there() { redis-cli --no-auth-warning -e -h "$REDIS_HOST" -p "$REDIS_PORT" "$@"; }
trap 'here SHUTDOWN NOSAVE >/dev/null 2>&1 || :; rm -rf "$work"' EXIT
trap 'exit 143' HUP INT TERM
until [ "$(here PING 2>/dev/null)" = PONG ]; do
  sleep 0.5
  kill -0 "$(cat "$work/pid")" || { cat "$work/log" >&2; exit 1; }
done
there PING >/dev/null
echo "redis: restoring $name"
there FLUSHALL >/dev/null
copied=$(printf %s "$REDISCLI_AUTH" | here -x EVAL "$(cat "$SCRIPTS/migrate.lua")" 0 "$REDIS_HOST" "$REDIS_PORT")
echo "redis: restored $name, $copied keys"
"""

MIGRATE = r"""-- Hands every key of every database over to another server; ARGV: host, port, password.
local copied = 0
for database in string.gmatch(redis.call('INFO', 'keyspace'), 'db(%d+):') do
  redis.call('SELECT', database)
  local cursor = '0'
  repeat
    local page = redis.call('SCAN', cursor, 'COUNT', 500)
    cursor = page[1]
    for _, key in ipairs(page[2]) do
      local call = {'MIGRATE', ARGV[1], ARGV[2], key, database, 60000, 'COPY', 'REPLACE'}
      if ARGV[3] ~= '' then
        call[#call + 1] = 'AUTH'
        call[#call + 1] = ARGV[3]
      end
      redis.call(unpack(call))
      copied = copied + 1
    end
  until cursor == '0'
end
return copied
"""

# An empty bucket after a loss must not become the copy of it.
OBJECTS = r"""set -eu
some() { rclone lsf --recursive --files-only "$1" 2>/dev/null | head -n 1; }
case $1 in
  backup)
    rclone lsf --max-depth 1 "$SOURCE" >/dev/null
    if [ -z "$(some "$SOURCE")" ] && [ -n "$(some "$TARGET/current")" ]; then
      echo 'objects: the bucket is empty and its copy is not: nothing is copied' >&2
      exit 65
    fi
    now=$(date -u +%Y%m%dT%H%M%SZ)
    rclone sync "$SOURCE" "$TARGET/current" --backup-dir "$TARGET/replaced/$now" --fast-list --stats-one-line -v
    rclone check "$SOURCE" "$TARGET/current" --one-way --size-only --fast-list
    before=$(date -u -d "@$(($(date +%s) - KEEP_DAYS * 86400))" +%Y%m%dT%H%M%SZ)
    rclone lsf --dirs-only "$TARGET/replaced" 2>/dev/null | tr -d / | while read -r old; do
      if expr "$old" '<' "$before" >/dev/null; then rclone purge "$TARGET/replaced/$old"; fi
    done
    ;;
  restore)
    # What is in the bucket and not in the copy stays.
    rclone copy "$TARGET/current" "$SOURCE" --fast-list --stats-one-line -v
    rclone check "$TARGET/current" "$SOURCE" --one-way --size-only --fast-list
    ;;
esac
echo "objects: $1 done"
"""

# A server of its own, on a socket: nothing of the real one is touched.
DRILL = r"""set -eu
umask 077
. "$SCRIPTS/store.sh"
. "$SCRIPTS/compare.sh"
choose database
now=$(date -u +%s)
taken=$(date -u -d "$(echo "$name" | sed 's/\(....\)\(..\)\(..\)T\(..\)\(..\)\(..\)Z/\1-\2-\3 \4:\5:\6/')" +%s)
age=$((now - taken))
[ "$age" -le "$MAX_AGE" ] || { echo "drill: the newest dump, $name, is $age s old" >&2; exit 65; }
data=$SCRATCH/data
export PGHOST="$SCRATCH" PGUSER=admin
rm -rf "$data"
initdb -D "$data" -U admin --auth=trust --encoding=UTF8 --locale=C.UTF-8 --data-checksums --no-sync >/dev/null
stop() { pg_ctl -D "$data" -m immediate stop >/dev/null 2>&1 || :; rm -rf "$data"; }
trap stop EXIT
trap 'exit 143' HUP INT TERM
pg_ctl -D "$data" -w -t 120 -l "$SCRATCH/log" start \
  -o "-c listen_addresses='' -c unix_socket_directories='$SCRATCH' -c fsync=off -c full_page_writes=off" >/dev/null
psql -X -q -d postgres -f "$dump/globals.sql" 2>&1 | grep -v 'already exists' >&2 || :
createdb -T template0 drill
pg_restore -d drill -j "$JOBS" --exit-on-error --no-tablespaces "$dump/database.dump"
compare dbname=drill "$dump/rows"
pg_amcheck --install-missing --heapallindexed -d drill
echo "drill: $name restored in $(($(date -u +%s) - now)) s: rows and indexes are whole, the dump is $age s old"
"""

FILES = {
    "store.sh": STORE,
    "list.sh": LIST,
    "connection.sh": CONNECTION,
    "dump-database.sh": DUMP_DATABASE,
    "count.awk": COUNT,
    "compare.sh": COMPARE,
    "restore-database.sh": RESTORE_DATABASE,
    "dump-redis.sh": DUMP_REDIS,
    "restore-redis.sh": RESTORE_REDIS,
    "migrate.lua": MIGRATE,
}
"""Scripts of the dump pod by file name."""

DRILL_FILES = {"store.sh": STORE, "compare.sh": COMPARE, "drill.sh": DRILL}
"""Scripts of the drill by file name."""

OBJECTS_FILES = {"objects.sh": OBJECTS}
"""Scripts of the objects' copy by file name."""


def run(script: str, timeout: str | None = None) -> list[str]:
    """The command that runs a script; `timeout` names the variable with its time in seconds.

    The shell that Velero times out runs on: only a limit of the script's own ends it, with everything it started.
    """
    bounded = f'timeout -k 10 "${timeout}" ' if timeout else ""
    return ["/bin/sh", "-c", f'exec {bounded}/bin/sh "$SCRIPTS/{script}" "$@"', script]
