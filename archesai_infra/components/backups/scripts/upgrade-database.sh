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
. "$SCRIPTS/hold.sh"
. "$SCRIPTS/content.sh"
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
