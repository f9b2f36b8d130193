set -eu
umask 077
. "$SCRIPTS/store.sh"
choose redis "${1:-}"
if [ -n "${REDIS_TLS-}" ]; then
  # Keys are handed over by the command MIGRATE of a server that speaks no TLS.
  echo "redis: a restore to a server that wants TLS is not possible here: load $dump/dump.rdb by its provider's own way" >&2
  exit 69
fi
# The user that dumps only reads. The password of the one that restores comes by a pipe: no pod but the server's has it.
user=${REDIS_RESTORE_USER:-}
if [ -n "$user" ] && ! IFS= read -r REDISCLI_AUTH; then
  echo "redis: the password of user $user is expected on standard input" >&2
  exit 64
fi
redis-check-rdb "$dump/dump.rdb" >/dev/null || { echo "redis: the dump $name cannot be read" >&2; exit 65; }
work=$(mktemp -d)
redis-server --port 0 --unixsocket "$work/socket" --dir "$dump" --dbfilename dump.rdb --appendonly no --save '' \
  --daemonize yes --pidfile "$work/pid" --logfile "$work/log" >/dev/null
here() { (unset REDISCLI_AUTH; exec redis-cli --no-auth-warning -e -s "$work/socket" "$@"); }
there() { redis-cli --no-auth-warning -e -h "$REDIS_HOST" -p "$REDIS_PORT" ${user:+--user "$user"} "$@"; }
trap 'here SHUTDOWN NOSAVE >/dev/null 2>&1 || :; rm -rf "$work"' EXIT
trap 'exit 143' HUP INT TERM
until [ "$(here PING 2>/dev/null)" = PONG ]; do
  sleep 0.5
  kill -0 "$(cat "$work/pid")" || { cat "$work/log" >&2; exit 1; }
done
there PING >/dev/null
echo "redis: restoring $name"
there FLUSHALL >/dev/null
copied=$(printf %s "${REDISCLI_AUTH-}" | here -x EVAL "$(cat "$SCRIPTS/migrate.lua")" 0 "$REDIS_HOST" "$REDIS_PORT" "$user")
echo "redis: restored $name, $copied keys"
