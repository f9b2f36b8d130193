set -eu
umask 077
. "$SCRIPTS/store.sh"
choose redis "${1:-}"
# The user that dumps only reads. The password of the one that restores comes by a pipe: no pod but the server's has it.
user=${REDIS_RESTORE_USER:-${REDIS_USER:-}}
if [ -n "${REDIS_RESTORE_USER:-}" ]; then
  IFS= read -r REDISCLI_AUTH || {
    echo "redis: the password of user $user is expected on standard input" >&2
    exit 64
  }
  export REDISCLI_AUTH
fi
redis-check-rdb "$dump/dump.rdb" >/dev/null || { echo "redis: the dump $name cannot be read" >&2; exit 65; }
work=$(mktemp -d)
redis-server --port 0 --unixsocket "$work/socket" --dir "$dump" --dbfilename dump.rdb --appendonly no --save '' \
  --daemonize yes --pidfile "$work/pid" --logfile "$work/log" >/dev/null
here() { (unset REDISCLI_AUTH; exec redis-cli --no-auth-warning -e -s "$work/socket" "$@"); }
there() {
  redis-cli --no-auth-warning -e -h "$REDIS_HOST" -p "$REDIS_PORT" ${user:+--user "$user"} \
    ${REDIS_TLS:+--tls} ${REDIS_CA:+--cacert "$REDIS_CA"} "$@"
}
trap 'here SHUTDOWN NOSAVE >/dev/null 2>&1 || :; rm -rf "$work"' EXIT
trap 'exit 143' HUP INT TERM
until [ "$(here PING 2>/dev/null)" = PONG ]; do
  sleep 0.5
  kill -0 "$(cat "$work/pid")" || { cat "$work/log" >&2; exit 1; }
done
there PING >/dev/null
echo "redis: restoring $name"
there FLUSHALL >/dev/null
: >"$work/copied"
commands() { # every key of every database, a page at a time; what lies between two commands is an empty line
  for database in $(here INFO keyspace | sed -n 's/^db\([0-9]*\):.*/\1/p'); do
    cursor=0
    while :; do
      here EVAL "$(cat "$SCRIPTS/page.lua")" 0 "$database" "$cursor" >"$work/page"
      cursor=$(sed -n 1p "$work/page")
      sed -n 2p "$work/page" >>"$work/copied"
      tail -n +3 "$work/page"
      [ "$cursor" != 0 ] || break
    done
  done
  : >"$work/whole"
}
commands | there --pipe >"$work/answers" 2>&1 || { tail -n 20 "$work/answers" >&2; exit 1; }
[ -e "$work/whole" ] || { echo "redis: the dump $name could not be read to its end" >&2; exit 65; }
echo "redis: restored $name, $(awk '{ keys += $1 } END { print keys + 0 }' "$work/copied") keys"
