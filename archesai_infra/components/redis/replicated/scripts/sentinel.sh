#!/bin/sh
# Starts the Sentinel of a pod: with what it knew last, else with the primary that another Sentinel names. Where none
# knows one, the first pod's Sentinel names its own server.
# shellcheck source=common.sh
. "${REDIS_CONFIG:-/etc/redis}/common.sh"

first_primary() {
  until answer=$(asked_others); do
    # A Sentinel that names a server before it runs calls it down and looks for another.
    if first_pod && [ "$(as sentinel -h "$here" ROLE 2>/dev/null | head -n 1)" = master ]; then
      echo "$here"
      return
    fi
    sleep 1
  done
  echo "${answer%% *}"
}

mkdir -p "${state%/*}"
known=$run/known
if [ -n "$(stored_primary)" ]; then
  grep -E "^sentinel (monitor|config-epoch|leader-epoch|known-replica|known-sentinel) $group |^sentinel current-epoch " \
    "$state" >"$known"
else
  echo "sentinel monitor $group $(first_primary) 6379 2" >"$known"
fi
{
  cat "$config/sentinel.conf" "$known"
  # A pod that lost its volume comes back as the same Sentinel; one more would raise the majority.
  echo "sentinel myid $(printf %s "$here" | sha256sum | cut -c 1-40)"
  echo "sentinel announce-ip $here"
  echo "sentinel down-after-milliseconds $group 5000"
  echo "sentinel failover-timeout $group 60000"
  echo "sentinel parallel-syncs $group 1"
  echo "sentinel auth-user $group sentinel"
  echo "sentinel auth-pass $group $(quoted "$passwords/sentinel")"
  echo "sentinel sentinel-user sentinel"
  echo "sentinel sentinel-pass $(quoted "$passwords/sentinel")"
  echo "user default off"
  echo "user sentinel reset on $(accepted sentinel sentinel "$passwords/sentinel") ~* &* +@all"
  echo "user proxy reset on $(accepted sentinel proxy "$passwords/proxy") -@all +ping +sentinel|get-master-addr-by-name"
  local_user 26379 "-@all +ping +acl|setuser +sentinel|set +sentinel|config"
} >"$state.new"
mv "$state.new" "$state"
for port in 6379 26379; do digest "$passwords/sentinel" >"$run/login-sentinel-$port"; done
sh "$config/follow.sh" sentinel &
exec valkey-server "$state" --sentinel
