#!/bin/sh
# ready.sh server|sentinel: a replica is ready when it has the primary's data, so that a rollout waits for it.
# shellcheck source=common.sh
. "${REDIS_CONFIG:-/etc/redis}/common.sh"
if [ "$1" = sentinel ]; then
  [ "$(local_cli 26379 PING)" = PONG ]
else
  local_cli 6379 INFO replication | grep -q -E '^(role:master|master_link_status:up)'
  rm -f "$data/.starting"
fi
