#!/bin/sh
# Has the server read its certificate again each hour: cert-manager renews it, and the file changes under the server.
while sleep 3600; do
  psql -q -X -A -t -h "$PGSOCKETS" -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c 'SELECT pg_reload_conf()' >/dev/null ||
    echo 'certificate: the server did not read it again; the next hour tries once more' >&2
done
