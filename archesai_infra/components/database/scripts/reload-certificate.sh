#!/bin/sh
# Has the server read its certificate again once the file has changed under it, as when cert-manager has renewed it.
certificate=/run/certificates/server/tls.crt
present=$(cksum <"$certificate")
while sleep 30; do
  found=$(cksum <"$certificate")
  [ "$found" != "$present" ] || continue
  if psql -q -X -A -t -h "$PGSOCKETS" -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c 'SELECT pg_reload_conf()' >/dev/null; then
    present=$found
    echo 'certificate: the server reads its renewed certificate'
  else
    echo 'certificate: the server did not read its renewed certificate; it is tried again' >&2
  fi
done
