#!/bin/sh
# Gives the server the passwords and the roles of its Secret, over the Unix socket that the image trusts. No password
# reaches a command line, the server's log or its statement statistics.
set -eu
# The pod counts as started when this has ended, also when it failed: a server without its new roles serves the old ones.
trap 'touch "$PGSOCKETS/roles"' EXIT
# Over TCP: during the first initialisation a temporary server answers on the socket only, and ends soon.
until pg_isready -q -h 127.0.0.1 -U "$POSTGRES_USER" -d "$POSTGRES_DB"; do sleep 1; done
secrets=${POSTGRES_PASSWORD_FILE%/*}

# The database's owner may set another search path for it, with functions of its own before the server's.
run() {
  psql -q -X -A -t -v ON_ERROR_STOP=1 -h "$PGSOCKETS" -U "$POSTGRES_USER" -d "$POSTGRES_DB" \
    -c 'SET search_path = pg_catalog' -f -
}

roles() { # the roles that the URLs of the Secret name: owner of the database, monitor, dump
  cat <<'SQL'
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SET pg_stat_statements.track_utility = off;
\set role `printf %s "$POSTGRES_USER"`
\set password `cat "$POSTGRES_PASSWORD_FILE"`
ALTER ROLE :"role" PASSWORD :'password';
CREATE TEMPORARY TABLE wanted (kind text, name text, password text);
CREATE FUNCTION pg_temp.unescaped(text) RETURNS text LANGUAGE sql AS $$
  SELECT convert_from(string_agg(coalesce(decode(m[1], 'hex'), convert_to(m[2], 'UTF8')), ''::bytea ORDER BY n), 'UTF8')
    FROM regexp_matches($1, '%([0-9A-Fa-f]{2})|([^%]+|%)', 'g') WITH ORDINALITY AS found (m, n) $$;
SQL
  for kind in DATABASE MONITOR DUMP; do
    [ -f "$secrets/${kind}_URL" ] || continue
    printf '%s\n' "\\set url \`cat '$secrets/${kind}_URL'\`"
    printf '%s\n' "INSERT INTO wanted SELECT '$kind', pg_temp.unescaped(m[1]), pg_temp.unescaped(m[2])
      FROM regexp_match(:'url', '^[a-z]+://([^:@/]+):([^@/]+)@') AS m WHERE m IS NOT NULL;"
  done
  cat <<'SQL'
DELETE FROM wanted WHERE name = current_user;
SELECT format('CREATE ROLE %I', name) FROM wanted WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec
SELECT format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION %s PASSWORD %L CONNECTION LIMIT %s', name,
    CASE kind WHEN 'DUMP' THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END, password,
    -- The rest of the connections is for operations: dumps, the exporter, a migration, a person.
    CASE kind WHEN 'DATABASE' THEN greatest(most - 15, most / 2) ELSE 5 END)
  FROM wanted, (SELECT current_setting('max_connections')::int AS most) AS server \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), name) FROM wanted \gexec
SELECT format('GRANT pg_monitor TO %I', name) FROM wanted WHERE kind = 'MONITOR' \gexec
SELECT format(statement, name) FROM wanted, unnest(ARRAY['GRANT pg_read_all_data TO %I',
    -- That role reads no large objects.
    'ALTER ROLE %I SET lo_compat_privileges = on']) AS statement
  WHERE kind = 'DUMP' \gexec
SQL
}

hand_over() { # what the superuser owns of the application's goes to the role of its URL; what belongs to extensions stays
  cat <<'SQL'
SET lock_timeout = '5s';
\set url `cat "$DATABASE_URL_FILE"`
SELECT rolname AS owner FROM pg_roles WHERE NOT rolsuper
  AND rolname = (regexp_match(:'url', '^[a-z]+://([^:@/]+):'))[1] \gset
\if :{?owner}
SELECT format('ALTER DATABASE %I OWNER TO %I', datname, :'owner') FROM pg_database
  WHERE datname = current_database() AND pg_get_userbyid(datdba) <> :'owner' \gexec
WITH owned (class, object, role) AS (
  SELECT tableoid, oid, nspowner FROM pg_namespace WHERE nspname = 'public' OR oid >= 16384 UNION ALL
  SELECT c.tableoid, c.oid, c.relowner FROM pg_class c WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = c.tableoid AND d.objid = c.oid AND c.relkind = 'S'
      AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')) UNION ALL
  SELECT t.tableoid, t.oid, t.typowner FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.oid >= 16384 AND t.typcategory <> 'A' AND t.typtype <> 'm' AND coalesce(c.relkind, 'c') = 'c' UNION ALL
  SELECT tableoid, oid, proowner FROM pg_proc UNION ALL
  SELECT tableoid, oid, collowner FROM pg_collation UNION ALL
  SELECT tableoid, oid, conowner FROM pg_conversion UNION ALL
  SELECT tableoid, oid, oprowner FROM pg_operator UNION ALL
  SELECT tableoid, oid, opcowner FROM pg_opclass UNION ALL
  SELECT tableoid, oid, opfowner FROM pg_opfamily UNION ALL
  SELECT tableoid, oid, cfgowner FROM pg_ts_config UNION ALL
  SELECT tableoid, oid, dictowner FROM pg_ts_dict UNION ALL
  SELECT tableoid, oid, stxowner FROM pg_statistic_ext UNION ALL
  SELECT 'pg_largeobject'::regclass, oid, lomowner FROM pg_largeobject_metadata)
SELECT format('ALTER %s %s OWNER TO %I', replace(upper(i.type), ' OBJECT', CASE i.type WHEN 'large object' THEN ' OBJECT'
    ELSE '' END), i.identity, :'owner')
  FROM owned, pg_identify_object(class, object, 0) AS i
  WHERE role = current_user::regrole AND (object >= 16384 OR i.type = 'schema')
    AND coalesce(i.schema, '') NOT LIKE 'pg\_%' AND i.identity NOT LIKE 'pg\_%'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = class AND d.objid = object AND d.deptype = 'e') \gexec
\endif
SQL
}

extensions() { # those of a new database, which one that others made may lack: only a superuser can make them
  echo 'SET client_min_messages = warning; SET search_path = public;'
  cat "$made_first"
}
made_first=${INIT_FILES:-/docker-entrypoint-initdb.d}/10-extensions.sql

roles | run
[ ! -f "$made_first" ] || extensions | run || echo 'roles: an extension of new databases cannot be made' >&2
[ -f "$secrets/DATABASE_URL" ] || exit 0
export DATABASE_URL_FILE="$secrets/DATABASE_URL"
tries=0
# A transaction that goes on for longer keeps its tables: the next start hands them over.
until hand_over | run; do
  tries=$((tries + 1))
  [ "$tries" -lt 5 ] || { echo 'roles: not everything could be handed over; the next start tries again' >&2; exit 1; }
  sleep 2
done
