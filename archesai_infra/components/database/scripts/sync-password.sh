#!/bin/sh
# Gives the server the password of its Secret, over the Unix socket that the image trusts. The password never reaches a
# command line, the server's log or its statement statistics.
set -eu
# Over TCP: during the first initialisation a temporary server answers on the socket only, and ends soon.
until pg_isready -q -h 127.0.0.1 -U "$POSTGRES_USER" -d "$POSTGRES_DB"; do sleep 1; done
psql -q -X -v ON_ERROR_STOP=1 -h "$PGSOCKETS" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SET pg_stat_statements.track_utility = off;
\set role `printf %s "$POSTGRES_USER"`
\set password `cat "$POSTGRES_PASSWORD_FILE"`
ALTER ROLE :"role" PASSWORD :'password';
SQL
