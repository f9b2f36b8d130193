#!/bin/sh
# Starts the proxy: what its configuration takes from the environment is the cluster's name service and its own login.
set -eu
resolve=${RESOLV_CONF:-/etc/resolv.conf}
# HAProxy asks the name service itself and adds no search domain.
DOMAIN=$(sed -n 's/^search //p' "$resolve" | tr -s '[:blank:]' '\n' | grep -m 1 '\.svc\.')
NAMESERVER=${NAMESERVER:-$(sed -n 's/^nameserver //p' "$resolve" | head -n 1):53}
if [ -z "${LISTEN:-}" ]; then
  LISTEN=0.0.0.0
  [ ! -e /proc/net/if_inet6 ] || LISTEN=::
fi
hex() { od -An -v -tx1 | tr -d ' \n'; }
password=$(cat "${PROXY_PASSWORD:-/run/secrets/archesai/proxy}")
# shellcheck disable=SC2016
head='*3\r\n$4\r\nAUTH\r\n$5\r\nproxy\r\n$'
size=$(printf %s "$password" | wc -c)
# With lengths in front, no password needs quoting.
AUTH=$(printf "$head%d\\r\\n%s\\r\\n" "$size" "$password" | hex)
export DOMAIN NAMESERVER LISTEN AUTH
exec haproxy -f "${PROXY_CONFIG:-/etc/haproxy/haproxy.cfg}"
