#!/bin/sh
# shellcheck disable=SC2153,SC2154 # $url and $authority are of connection.sh, the servers are the manifest's
# Copies the database of the single pod ($OLD_SERVER) or of a server elsewhere ($OLD_URL_FILE) to the cluster
# ($NEW_SERVER) while it is written to, by logical replication; then holds writers back for the last rows, compares, and
# waits until $SERVICE leads to the cluster. With the argument `back` the old server takes writes again; with `check` it
# is only asked whether it can be moved.
#
# The two databases say how far it is, and a second run goes on from there: the setting archesai.move is `copying` in the
# cluster until that is complete; from then on the old one has the empty publication arches_moved, as only a superuser
# may keep settings of its own in a database, and takes no more writes.
set -eu
umask 077
. "$SCRIPTS/connection.sh"
. "$SCRIPTS/create.sh"
. "$SCRIPTS/hold.sh"
. "$SCRIPTS/content.sh"
. "$SCRIPTS/source.sh"
work=$(mktemp -d)
fenced=
trap 'end $?' EXIT
trap 'exit 143' HUP INT TERM

say() { echo "move: $*"; }
fail() { say "$2" >&2; exit "$1"; }

source_of_move
new="postgresql://postgres@$NEW_SERVER/$POSTGRES_DB?sslmode=prefer"
new_server="postgresql://postgres@$NEW_SERVER/postgres?sslmode=prefer"
service="postgresql://postgres@$SERVICE/$POSTGRES_DB?sslmode=prefer&connect_timeout=3"
url=$old
identity='SELECT system_identifier FROM pg_control_system()'

of_old() { printf '%s\n' "$1" | sql "$old"; }
# PGPASSWORD is the old server's; those of the cluster are in a file.
cluster() { (unset PGPASSWORD PGSSLROOTCERT; "$@"); }
of_new() { printf '%s\n' "$1" | cluster sql "$new"; }
progress() { of_new "SELECT coalesce(current_setting('archesai.move', true), '')"; }
moved() { [ "$(of_old "SELECT count(*) FROM pg_publication WHERE pubname = 'arches_moved'")" = 1 ]; }

mark_new() { # mark_new SETTING, of new sessions of the cluster's database
  cluster sql "$new_server" -v database="$POSTGRES_DB" <<SQL
ALTER DATABASE :"database" $1;
SQL
}

fence() { # new sessions only read, and those of before end, but for this script's and those of superusers elsewhere
  fenced=yes
  sql "$old" <<'SQL'
BEGIN;
ALTER DATABASE :"DBNAME" SET default_transaction_read_only = on;
CREATE PUBLICATION arches_moved;
COMMIT;
DO $$BEGIN
  WHILE (SELECT count(pg_terminate_backend(pid)) > 0 FROM pg_stat_activity JOIN pg_roles r ON r.oid = usesysid
      WHERE datname = current_database() AND backend_type = 'client backend' AND backend_start < now()
        AND pid <> pg_backend_pid() AND application_name <> 'arches_hold'
        AND (current_setting('is_superuser') = 'on' OR NOT rolsuper AND pg_has_role(r.oid, 'USAGE'))) LOOP
    PERFORM pg_sleep(0.1), pg_stat_clear_snapshot();
  END LOOP;
END$$;
SQL
  refuse_other_sessions
}

release() { # the old database takes writes again
  sql "$old" <<'SQL'
SET default_transaction_read_only = off;
SET client_min_messages = warning;
BEGIN;
ALTER DATABASE :"DBNAME" RESET default_transaction_read_only;
DROP PUBLICATION IF EXISTS arches_moved;
COMMIT;
SQL
  fenced=
}

switched() { [ "$(printf '%s\n' "$identity" | cluster sql "$service" 2>/dev/null)" = "$identifier" ]; }

end() {
  if [ -n "$fenced" ] && ! switched; then
    release
    # What is written from now on is not in the copy.
    mark_new "SET archesai.move = 'copying'"
    say "$source goes on" >&2
  fi
  rm -rf "$work"
  exit "$1"
}

check() { # what logical replication cannot carry over, before anything is changed
  check_source
  [ "$(of_old 'SELECT count(*) FROM pg_largeobject_metadata')" = 0 ] ||
    fail 65 "large objects are not replicated: move by a dump and its restore"
  sql "$old" >"$work/odd" <<'SQL'
SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE relkind IN ('r', 'p') AND nspname !~ '^pg_' AND nspname <> 'information_schema' AND relpersistence <> 't'
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = c.tableoid AND objid = c.oid AND deptype = 'e')
    AND (relpersistence = 'u' OR relreplident IN ('n', 'i') OR relreplident = 'd'
      AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary));
SQL
  [ ! -s "$work/odd" ] || fail 65 "tables that are unlogged, or whose rows no primary key tells apart (ALTER TABLE \
... REPLICA IDENTITY FULL): $(tr '\n' ' ' <"$work/odd")"
}

subscribed() { [ "$(of_new "SELECT count(*) FROM pg_subscription WHERE subname = 'arches_move'" 2>/dev/null)" = 1 ]; }

forget() { # what an earlier try has left
  if subscribed; then
    of_new 'ALTER SUBSCRIPTION arches_move DISABLE'
    of_new 'ALTER SUBSCRIPTION arches_move SET (slot_name = NONE)'
    of_new 'DROP SUBSCRIPTION arches_move'
  fi
  sql "$old" <<'SQL'
SET client_min_messages = warning;
DO $$BEGIN
  WHILE EXISTS (SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active
      AND database = current_database() AND (slot_name = 'arches_move' OR slot_name ~ '^pg_\d+_sync_')) LOOP
    PERFORM pg_sleep(0.1);
  END LOOP;
END$$;
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
  WHERE database = current_database() AND (slot_name = 'arches_move' OR slot_name ~ '^pg_\d+_sync_') \g /dev/null
DROP PUBLICATION IF EXISTS arches_move;
SQL
}

begin_copy() {
  if [ -z "$(progress)" ]; then
    tables=$(of_new "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
    [ "$tables" = 0 ] || fail 65 "the cluster holds a database that has been in use: raise database.cluster.generation"
  fi
  forget
  properties=$(of_old "SELECT to_jsonb(d) || jsonb_build_object('encoding', pg_encoding_to_char(encoding))
    FROM pg_database d WHERE datname = current_database()")
  refuse_unknown_extensions
  cluster create_like "$new_server" "$POSTGRES_DB" "$role" "$properties"
  mark_new "SET archesai.move = 'copying'"
  sql "$old" -v role="$role" <<'SQL' | cluster sql "$new"
SELECT 'SET client_min_messages = warning;';
SELECT format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I;', nspname, :'role') FROM pg_namespace
  WHERE nspname !~ '^pg_' AND nspname <> 'information_schema';
SELECT format('CREATE EXTENSION IF NOT EXISTS %I SCHEMA %I;', extname, nspname)
  FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE extname <> 'plpgsql';
SQL
  take_schema
  # Updates and deletes find their rows by these keys; indexes and foreign keys follow the rows.
  pg_restore -l "$work/schema" | awk '$4 == "CONSTRAINT"' >"$work/keys"
  pg_restore -l --section=pre-data "$work/schema" | awk '!/^;/ && $4 != "SCHEMA" && $4 != "EXTENSION" &&
    !($4 == "COMMENT" && $6 == "EXTENSION")' >"$work/first"
  for list in first keys; do
    cluster pg_restore -d "$new_owner" -w --no-owner --exit-on-error --no-tablespaces -L "$work/$list" "$work/schema"
  done
  publish
  subscribe
}

take_schema() {
  pg_dump -d "$old" -w -Fc --schema-only --no-owner --no-privileges --no-publications --no-subscriptions -f "$work/schema"
}

publish() { # table by table: FOR ALL TABLES is for superusers, and has the extensions' own
  sql "$old" <<'SQL'
SELECT 'CREATE PUBLICATION arches_move' || coalesce(' FOR TABLE ' || string_agg(format('%I.%I', nspname, relname), ', '), '')
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE relkind = 'r' AND relpersistence = 'p' AND nspname !~ '^pg_' AND nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = c.tableoid AND objid = c.oid AND deptype = 'e') \gexec
SQL
}

subscribe() { # the password stands in no log and on no command line; the subscription keeps it until it is dropped
  connection >"$work/connection"
  cluster sql "$new" -v file="$work/connection" <<'SQL'
SET client_min_messages = warning;
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
\set connection `cat :'file'`
SELECT format('CREATE SUBSCRIPTION arches_move CONNECTION %L PUBLICATION arches_move WITH (slot_name = arches_move)',
  :'connection') \gexec
SQL
  rm "$work/connection"
}

wait_copied() {
  reported=
  while :; do
    tables=$(of_new "SELECT count(*) FILTER (WHERE srsubstate = 'r') || ' of ' || count(*) FROM pg_subscription_rel")
    [ "${tables% of *}" != "${tables#* of }" ] || break
    [ "$(of_new 'SELECT coalesce(sum(apply_error_count + sync_error_count), 0) < 20 FROM pg_stat_subscription_stats')" = t ] ||
      fail 70 "rows are not taken over: the log of the cluster's primary has the reason"
    size=$(of_new 'SELECT pg_size_pretty(pg_database_size(current_database()))')
    whole=$(of_old 'SELECT pg_size_pretty(pg_database_size(current_database()))')
    line="$tables tables, $size of $whole with indexes"
    [ "$line" = "$reported" ] || say "copied $line"
    reported=$line
    sleep 2
  done
  say "copied: $tables tables"
}

build_indexes() { # all of them or none, with a comment on the database that tells it
  comment="SELECT shobj_description(oid, 'pg_database') = 'indexed' FROM pg_database WHERE datname = current_database()"
  [ "$(of_new "$comment")" != t ] || return 0
  say "building indexes and constraints; changes wait in the old server meanwhile"
  take_schema
  pg_restore -l --section=post-data "$work/schema" | awk '!/^;/ && $4 != "CONSTRAINT"' >"$work/last"
  pg_restore -f "$work/last.sql" --no-owner --no-tablespaces -L "$work/last" "$work/schema"
  printf '%s\n' 'COMMENT ON DATABASE :"database" IS '"'indexed';" >>"$work/last.sql"
  cluster psql -X -q -w -v ON_ERROR_STOP=1 -v database="$POSTGRES_DB" -d "$new_owner" --single-transaction \
    -f "$work/last.sql" >/dev/null
  printf '%s\n' 'SET client_min_messages = error;' 'ANALYZE;' | cluster sql "$new"
}

behind() { # whether the cluster lacks more than a MB of the log that is written at this moment, and $lag as text
  lag=$(of_old "SELECT pg_size_pretty(lag), lag > 1048576 FROM (SELECT pg_current_wal_insert_lsn() - confirmed_flush_lsn
    AS lag FROM pg_replication_slots WHERE slot_name = 'arches_move') AS slot")
  [ "${lag#*|}" = t ]
}

catch_up() { # catch_up LSN: until the cluster has everything before it
  until [ "$(of_old "SELECT confirmed_flush_lsn >= '$1' FROM pg_replication_slots WHERE slot_name = 'arches_move'")" = t ]; do
    still_held
    sleep 0.1
  done
}

set_sequences() {
  sql "$old" <<'SQL' | cluster sql "$new" >/dev/null
SELECT format('SELECT setval(%L, %s, %L);', format('%I.%I', schemaname, sequencename), coalesce(last_value, start_value),
  last_value IS NOT NULL) FROM pg_sequences;
SQL
}

finish_copy() { # writers wait from here to the end of the script
  while behind; do
    say "catching up: ${lag%|*} behind"
    sleep 2
  done
  hold
  say "writers wait from now on"
  catch_up "$(of_old 'SELECT pg_current_wal_insert_lsn()')"
  set_sequences
  compare_content "$old" "$new"
  still_held
  say "the same in rows and checksums: $(wc -l <"$work/old") lines"
  fence
}

case ${1-} in
  back)
    release
    say "$source takes writes again"
    exit 0
    ;;
  check)
    check
    say "$source can be moved"
    exit 0
    ;;
esac
identifier=$(of_new "$identity")
[ "$(of_new 'SELECT rolsuper AND NOT pg_is_in_recovery() FROM pg_roles WHERE rolname = current_user')" = t ] ||
  fail 69 "the cluster's primary does not answer as its superuser"
if ! moved; then
  check
  subscribed && [ -n "$(progress)" ] || begin_copy
  wait_copied
  build_indexes
  finish_copy
fi
fenced=yes
! subscribed || of_new 'DROP SUBSCRIPTION arches_move' >/dev/null
# A commit: a standby that must have it has all before it too.
mark_new 'RESET archesai.move'
cluster sql "$new" -v database="$POSTGRES_DB" <<'SQL'
COMMENT ON DATABASE :"database" IS NULL;
SQL
of_old 'SET default_transaction_read_only = off; DROP PUBLICATION IF EXISTS arches_move' 2>/dev/null
say "the cluster is complete; the Service has $SWITCH_SECONDS s to lead to it"
: >"$READY"
deadline=$(($(date +%s) + SWITCH_SECONDS))
until switched; do
  [ "$(date +%s)" -lt "$deadline" ] || fail 75 "the Service was not switched in time"
  sleep 0.5
done
fenced=
say "the Service leads to the cluster"
