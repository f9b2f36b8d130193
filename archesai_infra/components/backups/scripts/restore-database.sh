#!/bin/sh
# Restores a dump beside the live database and takes its place. The old database is renamed, never dropped: a restore of
# the wrong dump can be undone.
set -eu
umask 077
. "$SCRIPTS/store.sh"
. "$SCRIPTS/connection.sh"
. "$SCRIPTS/archive.sh"
. "$SCRIPTS/roles.sh"
. "$SCRIPTS/load.sh"
. "$SCRIPTS/settings.sh"
. "$SCRIPTS/create.sh"
connect "$DATABASE_URL"
administer
choose database "${1:-}"
work_in "$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
trap 'exit 143' HUP INT TERM
database=$(ask 'SELECT current_database()')
superuser=$(ask "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
owner=$(ask 'SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()')
moment=$(date -u +%Y%m%d%H%M%S)_$$
new=${database}_restoring
old=${database}_before_$moment
restorer=archesai_restore_$moment

room() { # refuse before anything is written what would fill the volume; only a superuser may ask the server for it
  [ "$superuser" = t ] && [ -f "$dump/bytes" ] || return 0
  sql "$url" -v bytes="$(cat "$dump/bytes")" >"$work/room" <<'SQL'
CREATE TEMPORARY TABLE volume (line text);
COPY volume FROM PROGRAM 'df -Pk . | tail -n 1';
SELECT free < needed, needed / 1048576, free / 1048576 FROM (
  SELECT (regexp_split_to_array(line, '\s+'))[4]::numeric * 1024 AS free, :bytes * 1.1 + greatest(0,
    pg_size_bytes(current_setting('max_wal_size')) - (SELECT sum(size) FROM pg_ls_waldir())) AS needed FROM volume) AS sizes;
SQL
  awk -F '|' '$1 == "t" { printf "database: the restored copy needs %d MiB and the volume has %d MiB: set a larger " \
    "database.size; nothing was changed\n", $2, $3; exit 1 }' "$work/room" >&2 || exit 65
}

create_database() { # as the dump's was, locale provider included; dumps without its properties follow the live one
  if [ -f "$dump/database.json" ]; then cp "$dump/database.json" "$work/properties"; else
    ask "SELECT to_jsonb(d) || jsonb_build_object('encoding', pg_encoding_to_char(encoding)) FROM pg_database d
      WHERE datname = current_database()" >"$work/properties"
  fi
  properties=$(cat "$work/properties")
  create_like "$url" "$new" "$1" "$properties"
}

restore_privileges() { # of the database itself, which are no part of its dump
  sql "$(url_of "$new")" -v new="$new" -v properties="$properties" <<'SQL'
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'new') WHERE jsonb_typeof((:'properties')::jsonb -> 'acl') = 'array'
\gexec
SELECT format('GRANT %s ON DATABASE %I TO %s', a ->> 'privilege', :'new', coalesce(quote_ident(a ->> 'role'), 'PUBLIC'))
  FROM jsonb_array_elements(CASE jsonb_typeof((:'properties')::jsonb -> 'acl') WHEN 'array'
    THEN (:'properties')::jsonb -> 'acl' ELSE '[]' END) AS a
  WHERE a ->> 'role' IS NULL OR EXISTS (SELECT FROM pg_roles WHERE rolname = a ->> 'role') \gexec
SQL
}

drop_new() {
  sql "$swap_url" -v new="$new" <<'SQL'
SET client_min_messages = warning;
DROP DATABASE IF EXISTS :"new" WITH (FORCE);
SQL
  if [ "$superuser" = t ]; then
    sql "$swap_url" -v role="$restorer" <<'SQL'
DROP ROLE IF EXISTS :"role";
SQL
  fi
}

swap() {
  sql "$swap_url" -v now="$database" -v new="$new" -v old="$old" <<'SQL'
ALTER DATABASE :"now" ALLOW_CONNECTIONS false;
SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity WHERE datname = :'now' \g /dev/null
BEGIN;
ALTER DATABASE :"now" RENAME TO :"old";
ALTER DATABASE :"new" RENAME TO :"now";
COMMIT;
ALTER DATABASE :"old" ALLOW_CONNECTIONS true;
SQL
}

echo "database: restoring $name"
swap_url=$(url_of postgres)
room
if [ -f "$dump/tables" ]; then cp "$dump/tables" "$work/rows"; else count "$dump" >"$work/rows"; fi
restore_roles "$url" "$dump"
trap 'PGPASSWORD=$unescaped drop_new; rm -rf "$work"' EXIT
if [ "$superuser" = t ]; then
  role_password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
  export role_password
  sql "$url" -v role="$restorer" -v jobs="$JOBS" <<'SQL'
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
\set password `printf %s "$role_password"`
CREATE ROLE :"role" LOGIN NOSUPERUSER PASSWORD :'password' VALID UNTIL 'infinity';
ALTER ROLE :"role" SET max_parallel_maintenance_workers = :'jobs';
SQL
  create_database "$restorer"
  load "$dump" "$(url_of "$new")" "$(url_as "$restorer" "$new")" "$restorer"
  # A session that ends still drops its temporary tables, which these statements must not come across.
  sql "$(url_of "$new")" -v role="$restorer" -v owner="$owner" <<'SQL'
SELECT set_config('archesai.restorer', :'role', false) \g /dev/null
DO $$BEGIN
  WHILE EXISTS (SELECT FROM pg_stat_activity WHERE usename = current_setting('archesai.restorer')) LOOP
    PERFORM pg_sleep(0.1), pg_stat_clear_snapshot();
  END LOOP;
END$$;
REASSIGN OWNED BY :"role" TO :"owner";
DROP OWNED BY :"role";
DROP ROLE :"role";
SQL
else
  create_database "$owner"
  load "$dump" "$(url_of "$new")" "$(url_of "$new")" "$owner"
fi
restore_privileges
restore_settings "$(url_of "$new")" "$dump" "$database" "${SETTINGS_RIGHTS:-own}"
empty=$(ask "SELECT count(*) = 0 FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
trap 'rm -rf "$work"' EXIT
url=$swap_url
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
