#!/bin/sh
# Before a primary stops: a replica takes over. COORDINATED has it wait until that replica has every write; without it
# Sentinel promotes first, and the old primary goes on acknowledging writes that are then thrown away.
# shellcheck source=common.sh
. "${REDIS_CONFIG:-/etc/redis}/common.sh"
end=$(($(date +%s) + ${REDIS_HANDOVER_SECONDS:-60}))

leads() { [ "$(local_cli 6379 ROLE | head -n 1)" = master ]; }

asked() { # whether a Sentinel began; this pod's own may have ended already
  for host in "$here" $HOSTS; do
    reply=$(as sentinel -h "$host" -p 26379 SENTINEL FAILOVER "$group" COORDINATED 2>&1) || continue
    echo "redis: $host: $reply"
    case $reply in OK | INPROG*) return 0 ;; esac
  done
  return 1
}

while leads && [ "$(date +%s)" -lt "$end" ]; do
  if asked; then
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      leads || break
      sleep 1
    done
  fi
  sleep 1
done
