#!/bin/sh
# shellcheck disable=SC2154 # $url and $server are connection.sh's
# Copies the stack's database to a server of another major version. The arguments start that server, on an empty volume.
# Nobody writes to the old server from the dump on until it ends: table locks of one session hold writers back, so that
# nothing outlasts this script, whatever ends it. The copy takes the place of $PGDATA only once the old server has ended
# under these locks; before that a file stands there, on which no server starts.
set -eu
umask 077
. "$SCRIPTS/connection.sh"
. "$SCRIPTS/store.sh"
data=$PGDATA
volume=${data%/*}
export PGDATA="$volume/copy" BACKUP_DIR="$volume/dump"
secrets=${POSTGRES_PASSWORD_FILE%/*}
work=$(mktemp -d)
running=
trap '[ -z "$running" ] || kill -INT "$running" 2>/dev/null || :; rm -rf "$work"' EXIT
trap 'exit 143' HUP INT TERM

say() { echo "upgrade: $*"; }
fail() { say "$2" >&2; exit "$1"; }

begin_copy() { # on a volume that holds nothing but what an earlier try has left
  [ ! -e "$data/PG_VERSION" ] || fail 65 "the volume holds a database that has been in use: delete its claim first"
  rm -rf "$data" "$PGDATA" "$BACKUP_DIR"
  mkdir -p "$data" "$BACKUP_DIR"
  echo 'This copy was not completed: arches upgrade database --undo' >"$data/NOT-COMPLETE"
}

start_new() { # as in the stack, but for itself alone and without syncing, which comes at the end
  docker-entrypoint.sh "$@" -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off >"$work/log" 2>&1 &
  running=$!
  until pg_isready -q -h 127.0.0.1 -U "$POSTGRES_USER" -d "$POSTGRES_DB"; do
    kill -0 "$running" 2>/dev/null || { cat "$work/log" >&2; fail 70 "the new server does not start"; }
    sleep 1
  done
  sh "$SCRIPTS/sync-password.sh"
}

statements() { # the locks, and a sign of life each second: a server that hears none for a minute releases them itself
  cat <<'SQL'
SET lc_messages = 'C';
SET lock_timeout = '5s';
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = '60s';
BEGIN;
SELECT format('LOCK TABLE ONLY %I.%I IN SHARE MODE', nspname, relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE relkind IN ('r', 'p') AND relpersistence <> 't' AND nspname !~ '^pg_' AND nspname <> 'information_schema'
  ORDER BY c.oid \gexec
LOCK TABLE pg_largeobject_metadata IN SHARE MODE;
\echo held
SQL
  while sleep 1 && [ -d "$work" ]; do
    # Reading a large object, as pg_dump does, takes the lock of a writer.
    if [ -e "$work/dumped" ]; then printf '%s\n' 'LOCK TABLE pg_largeobject IN SHARE MODE;' '\echo whole'; fi
    echo 'SELECT 1 \g /dev/null'
  done
}

hold() { # until the server ends, or $work/ended says otherwise; one transaction that is open for long delays it
  tries=0
  while :; do
    rm -f "$work/ended"
    (
      statements | sql "$url" -v VERBOSITY=verbose >"$work/held" 2>"$work/messages" || :
      [ ! -d "$work" ] || : >"$work/ended"
    ) &
    until [ -s "$work/held" ] || [ -e "$work/ended" ]; do sleep 0.2; done
    [ ! -s "$work/held" ] || return 0
    tries=$((tries + 1))
    [ "$tries" -lt 12 ] || { cat "$work/messages" >&2; fail 75 "writers cannot be held back: end open transactions"; }
    sleep 1
  done
}

still_held() { [ ! -e "$work/ended" ] || { cat "$work/messages" >&2; fail 75 "the old server did not keep its locks"; }; }

# Rows by their text, which is the same in every version; hashes of text are, as partitions depend on them.
fingerprint() { # fingerprint URL: number and sum of hashes of each table's rows, of sequences and of large objects
  sql "$1" <<'SQL'
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'postgres';
SET extra_float_digits = 1;
SET bytea_output = 'hex';
SET row_security = off;
SELECT format('SELECT %L, %L, count(*), sum(hashtextextended(ROW(found.*)::text, 0)::numeric) FROM ONLY %I.%I AS found',
    nspname, relname, nspname, relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE relkind = 'r' AND relpersistence <> 't' AND nspname !~ '^pg_' AND nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = c.tableoid AND objid = c.oid AND deptype = 'e')
  ORDER BY nspname COLLATE "C", relname COLLATE "C" \gexec
SELECT 'sequence', schemaname, sequencename, last_value FROM pg_sequences
  ORDER BY schemaname COLLATE "C", sequencename COLLATE "C";
SELECT 'large objects', count(*), sum(hashtextextended(format('%s %s %s', loid, pageno, md5(data)), 0)::numeric)
  FROM pg_largeobject;
SQL
}

compare_content() { # compare_content OLD_URL NEW_URL
  fingerprint "$1" >"$work/old"
  (unset PGPASSWORD; fingerprint "$2") >"$work/new"
  [ -s "$work/old" ] || fail 65 "nothing could be compared"
  cmp -s "$work/old" "$work/new" || { diff "$work/old" "$work/new" >&2 || :; fail 65 "the copy differs from the database"; }
}

old_has_ended() { # by its own word, and no server answers in its place
  grep -q '57P01' "$work/messages" && ! pg_isready -q -t 3 -d "$url"
}

begin_copy
start_new "$@"
say "the new server is ready, $(postgres --version)"
for key in DUMP_URL DATABASE_URL; do
  [ ! -f "$secrets/$key" ] || { DATABASE_URL=$(cat "$secrets/$key"); break; }
done
export DATABASE_URL ADMINISTRATOR="$POSTGRES_USER" COMPRESSION=1 KEEP=1 JOBS="${JOBS:-2}"
ADMINISTRATOR_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
export ADMINISTRATOR_PASSWORD
connect "$DATABASE_URL"
administer
hold
begun=$(date +%s)
say "writers wait from now on"
sh "$SCRIPTS/dump-database.sh"
: >"$work/dumped"
store=$BACKUP_DIR/database
new="postgresql://$POSTGRES_USER@/$POSTGRES_DB?host=$PGSOCKETS"
# The dump is this script's own.
(export DATABASE_URL="$new" ADMINISTRATOR='' SETTINGS_RIGHTS=administrator; sh "$SCRIPTS/restore-database.sh" "$(names)")
until grep -q whole "$work/held"; do still_held; sleep 0.2; done
compare_content "$url" "$new"
still_held
say "$(wc -l <"$work/old") tables and sequences are the same in rows and checksums"
kill -INT "$running"
wait "$running" || { cat "$work/log" >&2; fail 70 "the new server did not stop"; }
running=
rm -rf "$BACKUP_DIR"
initdb --sync-only -D "$PGDATA" >/dev/null
still_held
say "the copy is complete after $(($(date +%s) - begun)) s; the old server has $SWITCH_SECONDS s to end"
: >"$READY"
deadline=$(($(date +%s) + SWITCH_SECONDS))
until [ -e "$work/ended" ]; do
  [ "$(date +%s)" -lt "$deadline" ] || fail 75 "the old server did not end in time and goes on; the copy is of no use"
  sleep 0.2
done
old_has_ended || { cat "$work/messages" >&2; fail 75 "the old server goes on; the copy is of no use"; }
rm -rf "$data"
mv "$PGDATA" "$data"
sync
say "the copy is in its place"
