#!/bin/sh
# shellcheck disable=SC2034,SC2154 # the variables, of_old, of_new and fail are those of move-database.sh
# The server that a move goes out from: how it is reached, and what it must allow.

source_of_move() { # sets $source, $old and PGPASSWORD for it, the new database's $role, and the cluster's passwords
  if [ -n "${OLD_URL_FILE-}" ]; then
    source='the server elsewhere'
    given=$(cat "$OLD_URL_FILE")
    connect "$given"
    old=$url
    [ -e "${NEW_LOGINS-}/username" ] || return 0
    role=$(cat "$NEW_LOGINS/username")
    login "$role" "$(cat "$NEW_LOGINS/password")"
    login postgres "$(cat "$POSTGRES_PASSWORD_FILE")"
  else
    source='the single pod'
    connect "$(cat "${POSTGRES_PASSWORD_FILE%/*}/DATABASE_URL")"
    role=${authority%%@*}
    login "$role" "$PGPASSWORD"
    PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
    login postgres "$PGPASSWORD"
    old="postgresql://$POSTGRES_USER@$OLD_SERVER/$POSTGRES_DB?sslmode=disable"
  fi
  new_owner="postgresql://$role@$NEW_SERVER/$POSTGRES_DB?sslmode=prefer"
  export PGPASSFILE="$work/passwords"
}

login() { # login ROLE PASSWORD, of the cluster
  printf '*:*:*:%s:%s\n' "$1" "$(printf '%s\n' "$2" | sed 's/[\\:]/\\&/g')" >>"$work/passwords"
}

connection() { # how the cluster reaches the old server, password included
  if [ -n "${OLD_URL_FILE-}" ]; then
    case $given in *\?*) mark='&' ;; *) mark='?' ;; esac
    printf '%s%s\n' "$given" "${INSTANCES_CA:+${mark}sslrootcert=$INSTANCES_CA}"
    return
  fi
  printf "host=%s port=%s dbname=%s user=%s sslmode=disable password='%s'\n" "${OLD_SERVER%:*}" "${OLD_SERVER##*:}" \
    "$POSTGRES_DB" "$POSTGRES_USER" "$(printf '%s\n' "$PGPASSWORD" | sed "s/[\\\\']/\\\\&/g")"
}

# One line each, with its cure; providers keep what PostgreSQL's own words do under names of theirs.
lacks() {
  sql "$old" -v major="${CLUSTER_MAJOR-}" <<'SQL'
WITH me AS (SELECT oid, rolname, rolsuper, rolreplication FROM pg_roles WHERE rolname = current_user),
  db AS (SELECT datname, datdba FROM pg_database WHERE datname = current_database()),
  found(missing, text) AS (
    SELECT pg_is_in_recovery(), 'it is a standby, which takes no publication: name its primary'
    UNION ALL SELECT current_setting('wal_level') <> 'logical', format('wal_level is %s: set it to logical and restart the '
      || 'server (Amazon RDS and Aurora: rds.logical_replication = 1; Google Cloud SQL: cloudsql.logical_decoding = on)',
      current_setting('wal_level'))
    UNION ALL SELECT NOT (rolsuper OR rolreplication OR EXISTS (SELECT FROM pg_roles r
      WHERE r.rolname IN ('rds_replication', 'rds_superuser') AND pg_has_role(r.oid, 'USAGE'))),
      format('role %s may not replicate: ALTER ROLE %1$I REPLICATION (Amazon RDS and Aurora: GRANT rds_replication TO %1$I)',
        rolname) FROM me
    UNION ALL SELECT NOT has_database_privilege(datname, 'CREATE'), format('role %s may make no publication: GRANT CREATE ON '
      || 'DATABASE %I TO %I', current_user, datname, current_user) FROM db
    UNION ALL SELECT NOT pg_has_role(datdba, 'USAGE'), format('role %s does not own the database, which it has to make '
      || 'read-only: ALTER DATABASE %I OWNER TO %I', current_user, datname, current_user) FROM db
    UNION ALL SELECT current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots
      WHERE slot_name !~ '^(arches_move$|pg_\d+_sync_)') < 3, 'fewer than 3 replication slots are free: raise '
      || 'max_replication_slots'
    UNION ALL SELECT current_setting('max_wal_senders')::int - (SELECT count(*) FROM pg_stat_replication) < 3,
      'fewer than 3 senders of the log are free: raise max_wal_senders'
    UNION ALL SELECT current_setting('server_version_num')::int / 10000 > nullif(:'major', '')::int,
      format('it runs PostgreSQL %s, and the cluster %s: set database.cluster.image.tag', current_setting('server_version'),
        :'major')
    UNION ALL SELECT count(*) > 0, format('role %s does not own %s: ALTER TABLE … OWNER TO %I', current_user,
      string_agg(format('%I.%I', nspname, relname), ', '), current_user)
      FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
      WHERE relkind IN ('r', 'p') AND nspname !~ '^pg_' AND nspname <> 'information_schema'
        AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = c.tableoid AND objid = c.oid AND deptype = 'e')
        AND NOT pg_has_role(relowner, 'USAGE'))
SELECT text FROM found WHERE missing;
SQL
}

check_source() {
  lacks >"$work/lacks"
  if [ -s "$work/lacks" ]; then
    while IFS= read -r line; do say "$line" >&2; done <"$work/lacks"
    fail 65 "$source allows no logical replication yet: $(tr '\n' ';' <"$work/lacks") or move by a dump and its restore: \
docs/database-cluster.md"
  fi
  refuse_other_sessions
}

refuse_other_sessions() { # sessions that go on writing, as the role may not end them; a superuser may
  others=$(of_old "SELECT string_agg(DISTINCT rolname, ', ') FROM pg_stat_activity JOIN pg_roles r ON r.oid = usesysid
    WHERE datname = current_database() AND NOT rolsuper AND NOT pg_has_role(r.oid, 'USAGE')")
  [ -z "$others" ] || fail 65 "sessions of other roles at $source would go on writing, and its role may not end them: \
end the clients of $others, or GRANT these roles to the role of the move"
}

refuse_unknown_extensions() { # before the cluster's empty database makes room
  for name in $(of_old "SELECT extname FROM pg_extension"); do
    [ "$(of_new "SELECT count(*) FROM pg_available_extensions WHERE name = '$name'")" = 1 ] ||
      fail 65 "the cluster's image lacks extension $name: drop it, or name an image with it (database.cluster.image)"
  done
}
