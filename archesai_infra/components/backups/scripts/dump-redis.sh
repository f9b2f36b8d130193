set -eu
umask 077
. "$SCRIPTS/store.sh"
begin redis
redis-cli --no-auth-warning -h "$REDIS_HOST" -p "$REDIS_PORT" ${REDIS_USER:+--user "$REDIS_USER"} \
  ${REDIS_TLS:+--tls} ${REDIS_CA:+--cacert "$REDIS_CA"} --rdb "$part/dump.rdb" >&2
redis-check-rdb "$part/dump.rdb" >"$part/check" || { cat "$part/check" >&2; exit 65; }
sed -n 's/.*\[info\] \([0-9]*\) keys read.*/\1/p' "$part/check" >"$part/keys"
rm "$part/check"
commit
echo "redis: $started, $(wc -c <"$store/$started/dump.rdb") bytes, $(cat "$store/$started/keys") keys"
