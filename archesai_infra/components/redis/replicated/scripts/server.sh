#!/bin/sh
# Starts a server of the group: as a replica of the primary that the Sentinels name, or as that primary.
# shellcheck source=common.sh
. "${REDIS_CONFIG:-/etc/redis}/common.sh"
joined=$run/redis.conf

find_primary() { # prints the name of the pod to follow; this one's own name starts it as the primary
  unheard=0
  waited=0
  while :; do
    if answer=$(asked_others); then
      named=${answer%% *}
      [ "$named" = "$here" ] || { echo "$named"; return; }
      # They still name this pod. Another is about to take over where they call it down, and has to where the data is
      # gone. If nothing changes for 30 s, no other can; without a replica there is none.
      case $answer in
        "$here 0 "*) echo "$here"; return ;;
        *down* | *failover*) waited=$((waited + 1)) ;;
        *) waited=${REDIS_WAIT:-30} ;;
      esac
      if [ "$waited" -ge "${REDIS_WAIT:-30}" ] && [ -d "$data/appendonlydir" ]; then echo "$here"; return; fi
    else
      unheard=$((unheard + 1))
      if [ "$unheard" -ge "${REDIS_TRIES:-10}" ]; then
        stored=$(stored_primary)
        # A pod that comes back alone gets no traffic: the proxies want two Sentinels.
        [ -z "$stored" ] || { echo "$stored"; return; }
        ! first_pod || { echo "$here"; return; }
      fi
    fi
    sleep 1
  done
}

cat "$config/redis.conf" >"$joined"
{
  echo "replica-announce-ip $here"
  echo "masteruser replica"
  echo "masterauth $(quoted "$passwords/replica")"
  local_user 6379 "-@all +ping +role +info +acl|setuser +config|set"
  while read -r name rules; do
    file=$passwords/$name
    [ "$name" != default ] || file=$passwords/REDIS_PASSWORD
    echo "user $name reset on $(accepted server "$name" "$file") $rules"
  done <"$config/users"
} >>"$joined"
primary=$(find_primary)
if [ "$primary" = "$here" ]; then
  echo "redis: $here starts as the primary"
else
  echo "redis: $here starts as a replica of $primary"
  echo "replicaof $primary 6379" >>"$joined"
fi
# Checking reads all data: only after a start that never became ready, which is what leaves this mark.
if [ -e "$data/.starting" ]; then
  # shellcheck source=../../scripts/repair.sh
  . "$config/repair.sh"
  repair "$data"
fi
touch "$data/.starting"
digest "$passwords/replica" >"$run/login-replica-6379"
sh "$config/follow.sh" server &
exec valkey-server "$joined"
