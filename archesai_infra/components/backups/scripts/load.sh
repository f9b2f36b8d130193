#!/bin/sh
# shellcheck source=archive.sh disable=SC2154 # $work and $unreadable are archive.sh's
# Loads an archive as a role that is no superuser. COPY evaluates constraints, triggers and generated columns, which are
# code of the application: it must not run with more rights than the application has.

load() { # load DUMP ADMIN_URL ROLE_URL ROLE: into the empty database of both URLs, which the role owns
  contents "$1" >"$work/all.list"
  # Only extensions, schemas and default privileges are made by the administrator; none of them runs such code.
  awk '$4 == "SCHEMA" || $4 == "EXTENSION" || ($4 == "COMMENT" && $6 == "EXTENSION")' "$work/all.list" >"$work/first.list"
  awk '$4 == "DEFAULT" && $5 == "ACL"' "$work/all.list" >"$work/last.list"
  awk '!/^;/ && $4 != "SCHEMA" && $4 != "EXTENSION" && !($4 == "COMMENT" && $6 == "EXTENSION") &&
    !($4 == "DEFAULT" && $5 == "ACL")' "$work/all.list" >"$work/owner.list"
  admin_password=${PGPASSWORD-}
  if [ -s "$work/first.list" ]; then
    archive "$1" | pg_restore -d "$2" -w --no-owner --exit-on-error --no-tablespaces -L "$work/first.list"
    rm -f "$unreadable"
  fi
  sql "$2" -v role="$4" <<'SQL'
SELECT format('ALTER SCHEMA %I OWNER TO %I', nspname, :'role') FROM pg_namespace
  WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public') \gexec
SQL
  export PGPASSWORD="${role_password-$admin_password}"
  archive "$1" | pg_restore -d "$3" -w --no-owner --exit-on-error --no-tablespaces -L "$work/owner.list"
  [ ! -e "$unreadable" ] || { echo 'database: the dump cannot be read' >&2; return 65; }
  # It skips with a warning what the role does not own.
  printf '%s\n' 'SET client_min_messages = error;' 'ANALYZE;' | sql "$3"
  compare "$3" "$work/rows"
  export PGPASSWORD="$admin_password"
  if [ -s "$work/last.list" ]; then
    archive "$1" | pg_restore -d "$2" -w --exit-on-error -L "$work/last.list"
    rm -f "$unreadable"
  fi
}
