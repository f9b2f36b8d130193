#!/bin/sh
# Dumps the database and reads the dump back before it counts.
set -eu
umask 077
. "$SCRIPTS/store.sh"
. "$SCRIPTS/connection.sh"
. "$SCRIPTS/archive.sh"
. "$SCRIPTS/settings.sh"
connect "$DATABASE_URL"
begin database
work_in "$(mktemp -d)"
trap 'rm -rf "$part" "$work"' EXIT
serving=$(ask "SELECT current_setting('server_version_num')::int / 10000")
tools=$(pg_dump --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
if [ "$tools" -lt "$serving" ]; then
  echo "database: the tools are of version $tools and the server is of $serving: set backups.dump.image" >&2
  exit 69
fi
ask 'SELECT pg_database_size(current_database())' >"$part/bytes"
# The database's own properties: version by version they have other columns.
ask "SELECT to_jsonb(d) || jsonb_build_object('encoding', pg_encoding_to_char(d.encoding), 'acl',
  (SELECT jsonb_agg(jsonb_build_object('role', r.rolname, 'privilege', a.privilege_type)) FROM aclexplode(d.datacl) a
    LEFT JOIN pg_roles r ON r.oid = a.grantee)) FROM pg_database d WHERE datname = current_database()" >"$part/database.json"
read_settings >"$part/settings"
# Roles as data: name, may log in, password's hash where it may be read, memberships.
(
  administer
  ask "SELECT has_table_privilege('pg_authid', 'SELECT')" >"$work/hashes"
  if [ "$(cat "$work/hashes")" = t ]; then source=pg_authid password=r.rolpassword; else source=pg_roles password=NULL; fi
  ask "COPY (SELECT r.rolname, r.rolcanlogin, $password, ARRAY(SELECT g.rolname FROM pg_auth_members m
    JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid) FROM $source r
    WHERE r.rolname !~ '^pg_' ORDER BY 1) TO STDOUT" >"$part/roles"
)
{ pg_dump -d "$url" -w -Fc -Z 0 --lock-wait-timeout=60s || : >"$unreadable"; } |
  gzip "-$COMPRESSION" --rsyncable >"$part/database.dump.gz"
[ ! -e "$unreadable" ] || { echo 'database: pg_dump failed' >&2; exit 70; }
count "$part" >"$part/tables"
[ -s "$part/tables" ] || { echo 'database: there is no table in the dump' >&2; exit 65; }
commit
echo "database: $started, $(wc -c <"$store/$started/database.dump.gz") bytes, $(wc -l <"$store/$started/tables") tables"
