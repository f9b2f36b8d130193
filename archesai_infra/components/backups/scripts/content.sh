#!/bin/sh
# shellcheck disable=SC2154 # $work and fail are the caller's
# Tells whether two databases hold the same.

# Rows by their text, which is the same in every version; hashes of text are, as partitions depend on them.
fingerprint() { # fingerprint URL: number and sum of hashes of each table's rows, of sequences and of large objects
  sql "$1" <<'SQL'
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'postgres';
SET extra_float_digits = 1;
SET bytea_output = 'hex';
SET row_security = off;
SELECT format('SELECT %L, %L, count(*), sum(hashtextextended(ROW(found.*)::text, 0)::numeric) FROM ONLY %I.%I AS found',
    nspname, relname, nspname, relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE relkind = 'r' AND relpersistence <> 't' AND nspname !~ '^pg_' AND nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = c.tableoid AND objid = c.oid AND deptype = 'e')
  ORDER BY nspname COLLATE "C", relname COLLATE "C" \gexec
SELECT 'sequence', schemaname, sequencename, last_value FROM pg_sequences
  ORDER BY schemaname COLLATE "C", sequencename COLLATE "C";
SELECT has_table_privilege('pg_largeobject', 'SELECT') AS readable \gset
\if :readable
SELECT 'large objects', count(*), sum(hashtextextended(format('%s %s %s', loid, pageno, md5(data)), 0)::numeric)
  FROM pg_largeobject;
\else
-- Equal only where there are none.
SELECT 'large objects', count(*), NULL FROM pg_largeobject_metadata;
\endif
SQL
}

compare_content() { # compare_content OLD_URL NEW_URL
  fingerprint "$1" >"$work/old"
  (unset PGPASSWORD PGSSLROOTCERT; fingerprint "$2") >"$work/new"
  [ -s "$work/old" ] || fail 65 "nothing could be compared"
  cmp -s "$work/old" "$work/new" || { diff "$work/old" "$work/new" >&2 || :; fail 65 "the copy differs from the database"; }
}
