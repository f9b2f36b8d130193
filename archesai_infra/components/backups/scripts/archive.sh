#!/bin/sh
# The archive of a dump: pg_dump's custom format without compression of its own, in gzip's form for rsync. A changed row
# then changes the bytes around it and no others, so that a store that finds equal blocks keeps little of each dump.

work_in() { # work_in DIRECTORY: where what is made on the way lies
  work=$1
  unreadable=$work/unreadable
}

archive() { # archive DUMP: the archive, as pg_restore reads it
  if [ -f "$1/database.dump.gz" ]; then
    gzip -dc "$1/database.dump.gz" || : >"$unreadable"
  else
    cat "$1/database.dump"
  fi
}

contents() { # contents DUMP: what the archive holds, one entry a line
  archive "$1" 2>/dev/null | pg_restore -l
  rm -f "$unreadable" # the list is at the head: the rest was not read
}

count() { # count DUMP: rows of each table in the archive, and proof that all of it can be read
  contents "$1" | awk '$4 == "TABLE" && $5 == "DATA"' >"$work/data.list"
  # pg_restore --list passes archives that are cut off or damaged; only reading all of it does not.
  { archive "$1" | pg_restore -L "$work/data.list" -f - || : >"$unreadable"; } | awk -f "$SCRIPTS/rows.awk"
  [ ! -e "$unreadable" ] || { echo 'database: the dump cannot be read back' >&2; return 65; }
}

# Statements are built by the server from names that reach it as data: a name may hold anything.
compare() { # compare URL ROWS: the rows of a database with those that were counted in the archive
  { cat <<'SQL' && cat "$2" && printf '%s\n' '\.' && cat <<'SQL2'; } | sql "$1" >"$work/differences"
CREATE TEMPORARY TABLE expected (number bigint, namespace text, name text);
CREATE TEMPORARY TABLE counted (number bigint, namespace text, name text);
COPY expected FROM STDIN;
SQL
SELECT format('INSERT INTO counted SELECT count(*), %L, %L FROM ONLY %I.%I', n.nspname, c.relname, n.nspname, c.relname)
  FROM expected e JOIN pg_namespace n ON n.nspname = e.namespace
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = e.name AND c.relkind IN ('r', 'p') \gexec
SELECT format('rows differ in %s.%s: %s in the dump, %s restored', e.namespace, e.name, e.number,
    coalesce(c.number::text, 'no such table'))
  FROM expected e LEFT JOIN counted c USING (namespace, name) WHERE c.number IS DISTINCT FROM e.number;
SELECT 'no table could be compared' WHERE NOT EXISTS (SELECT FROM expected);
SQL2
  [ ! -s "$work/differences" ] || { cat "$work/differences" >&2; return 1; }
}
