#!/bin/sh
# shellcheck disable=SC2154 # $url, $work and fail are the caller's
# Holds writers of the database at $url back by table locks of one session: they end with the script, whatever ends it.

statements() { # the locks, and a sign of life each second: a server that hears none for a minute releases them itself
  cat <<'SQL'
SELECT set_config('lc_messages', 'C', false) WHERE current_setting('is_superuser') = 'on' \g /dev/null
SET application_name = 'arches_hold';
SET lock_timeout = '5s';
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = '60s';
BEGIN;
SELECT format('LOCK TABLE ONLY %I.%I IN SHARE MODE', nspname, relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE relkind IN ('r', 'p') AND relpersistence <> 't' AND nspname !~ '^pg_' AND nspname <> 'information_schema'
    AND (current_setting('is_superuser') = 'on' OR pg_has_role(relowner, 'USAGE'))
  ORDER BY c.oid \gexec
SELECT 'LOCK TABLE pg_largeobject_metadata IN SHARE MODE' WHERE current_setting('is_superuser') = 'on' \gexec
\echo held
SQL
  while sleep 1 && [ -d "$work" ]; do
    # Reading a large object, as pg_dump does, takes the lock of a writer.
    if [ -e "$work/dumped" ]; then printf '%s\n' 'LOCK TABLE pg_largeobject IN SHARE MODE;' '\echo whole'; fi
    echo 'SELECT 1 \g /dev/null'
  done
}

hold() { # until the server ends, or $work/ended says otherwise; one transaction that is open for long delays it
  tries=0
  while :; do
    rm -f "$work/ended"
    (
      statements | sql "$url" -v VERBOSITY=verbose >"$work/held" 2>"$work/messages" || :
      [ ! -d "$work" ] || : >"$work/ended"
    ) &
    until [ -s "$work/held" ] || [ -e "$work/ended" ]; do sleep 0.2; done
    [ ! -s "$work/held" ] || return 0
    tries=$((tries + 1))
    [ "$tries" -lt 12 ] || { cat "$work/messages" >&2; fail 75 "writers cannot be held back: end open transactions"; }
    sleep 1
  done
}

still_held() { [ ! -e "$work/ended" ] || { cat "$work/messages" >&2; fail 75 "the old server did not keep its locks"; }; }
