#!/bin/sh
# Ready when redis answers PONG: redis-cli exits 0 on a wrong password and while the data is still loading.
set -eu
REDISCLI_AUTH=$(cat "${REDIS_PASSWORDS:-/run/secrets/archesai}/REDIS_PASSWORD")
export REDISCLI_AUTH
redis-cli -h 127.0.0.1 -p "${REDIS_PORT:-6379}" ping | grep -q '^PONG$'
rm -f "${REDIS_DATA:-/data}/.starting"
