#!/bin/sh
# Makes an empty database in the place of one that is there.

create_like() { # create_like URL NAME OWNER PROPERTIES: with encoding and locale of a row of pg_database, as JSON
  sql "$1" -v new="$2" -v role="$3" -v properties="$4" <<'SQL'
SET client_min_messages = warning;
DROP DATABASE IF EXISTS :"new" WITH (FORCE);
SELECT format('CREATE DATABASE %I TEMPLATE template0 OWNER %I ENCODING %L LC_COLLATE %L LC_CTYPE %L', :'new', :'role',
    d ->> 'encoding', d ->> 'datcollate', d ->> 'datctype')
  || CASE d ->> 'datlocprovider' WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L',
       coalesce(d ->> 'datlocale', d ->> 'daticulocale'))
     || CASE WHEN d ->> 'daticurules' IS NULL THEN '' ELSE format(' ICU_RULES %L', d ->> 'daticurules') END
     WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', d ->> 'datlocale') ELSE '' END
  FROM (SELECT (:'properties')::jsonb AS d) AS p \gexec
SQL
}
