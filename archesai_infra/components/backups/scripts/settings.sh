#!/bin/sh
# Settings of the database and of roles (ALTER DATABASE … SET, ALTER ROLE … SET), which are no part of pg_dump's archive.

read_settings() { # of the present database and of every role, as data: role, in this database only, name, value
  ask "COPY (SELECT r.rolname, s.setdatabase <> 0, split_part(c, '=', 1), substr(c, strpos(c, '=') + 1)
    FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) AS c
    WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    ORDER BY 1, 2, 3) TO STDOUT"
}

# Each is set with the rights of whom it is for, so that a dump gives nobody more than the application could take; what
# the live database has goes along, and `administrator` sets all. The rest is printed. A role keeps what it has already.
restore_settings() { # restore_settings URL DUMP LIVE_DATABASE own|administrator
  [ -s "$2/settings" ] || return 0
  { cat <<'SQL' && cat "$2/settings" && printf '%s\n' '\.' && cat <<'SQL2'; } | sql "$1" -v live="$3" -v rights="$4"
SELECT set_config('archesai.live', :'live', false), set_config('archesai.rights', :'rights', false) \g /dev/null
CREATE TEMPORARY TABLE settings (role text, here boolean, name text, value text);
COPY settings FROM STDIN;
SQL
DO $do$
DECLARE
  all_of_them boolean := current_setting('archesai.rights') = 'administrator';
  item record;
BEGIN
  FOR item IN
    SELECT coalesce(r.rolname, pg_get_userbyid(d.datdba)) AS who, format('ALTER %s SET %I = %s',
        CASE WHEN s.role IS NULL THEN format('DATABASE %I', d.datname) ELSE format('ROLE %I', s.role) END
          || CASE WHEN s.role IS NOT NULL AND s.here THEN format(' IN DATABASE %I', d.datname) ELSE '' END, s.name,
        -- Lists are kept with their own quotes.
        CASE WHEN s.name IN ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries')
          THEN (SELECT string_agg(quote_literal(CASE WHEN m[1] LIKE '"%' THEN
              replace(substr(m[1], 2, length(m[1]) - 2), '""', '"') ELSE m[1] END), ', ' ORDER BY n)
            FROM regexp_matches(s.value, '("(?:[^"]|"")*"|[^",\s]+)', 'g') WITH ORDINALITY AS found (m, n))
          ELSE quote_literal(s.value) END) AS statement,
        all_of_them OR EXISTS (SELECT FROM pg_db_role_setting p JOIN pg_database l ON l.oid = p.setdatabase
          WHERE l.datname = current_setting('archesai.live') AND p.setrole = coalesce(r.oid, 0)
            AND s.name || '=' || s.value = ANY (p.setconfig)) AS trusted
      FROM settings s JOIN pg_database d ON d.datname = current_database() LEFT JOIN pg_roles r ON r.rolname = s.role
      WHERE (s.role IS NULL OR r.rolname IS NOT NULL)
        AND (all_of_them OR (NOT coalesce(r.rolsuper, false) AND (s.here OR r.rolconfig IS NULL)))
  LOOP
    BEGIN
      IF NOT item.trusted THEN
        EXECUTE format('SET LOCAL ROLE %I', item.who);
      END IF;
      EXECUTE item.statement;
      RESET ROLE;
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING 'a setting was not taken over: %; %', SQLERRM, item.statement;
    END;
  END LOOP;
END
$do$;
SQL2
}
