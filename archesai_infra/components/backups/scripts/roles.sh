#!/bin/sh
# Roles of a dump that a server lacks come back, none as a superuser; the others keep the password that they have.

restore_roles() { # restore_roles URL DUMP
  [ -f "$2/roles" ] || return 0
  { cat <<'SQL' && cat "$2/roles" && printf '%s\n' '\.' && cat <<'SQL2'; } | sql "$1"
SET client_min_messages = warning;
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
CREATE TEMPORARY TABLE roles (name text, login boolean, hash text, groups text[]);
COPY roles FROM STDIN;
SQL
DELETE FROM roles WHERE name IN (SELECT rolname FROM pg_roles);
SELECT format('CREATE ROLE %I %s PASSWORD %L', name, CASE WHEN login THEN 'LOGIN' ELSE 'NOLOGIN' END, hash) FROM roles
\gexec
SELECT format('GRANT %I TO %I', g, name) FROM roles, unnest(groups) AS g
  WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = g AND NOT rolsuper) \gexec
SQL2
}
