#!/bin/sh
# What the scripts of a replicated redis share: the names of the group's pods, its Sentinels, its users.
set -eu
umask 077
# shellcheck disable=SC2034
config=${REDIS_CONFIG:-/etc/redis}
passwords=${REDIS_PASSWORDS:-/run/secrets/archesai}
run=${REDIS_RUN:-/run/redis}
data=${REDIS_DATA:-/data}
address=${REDIS_ADDRESS:-127.0.0.1}
group=archesai
state=$data/sentinel/sentinel.conf
# A StatefulSet's pods are called <set>-<number>; HOSTS lists the names of all, in order.
here=$POD_NAME.$SERVICE

as() { # as USER COMMAND...: with the user's password out of sight of the process list
  user=$1
  shift
  REDISCLI_AUTH=$(cat "$passwords/$user") VALKEYCLI_AUTH=$(cat "$passwords/$user") \
    timeout 3 valkey-cli --no-auth-warning --user "$user" "$@"
}

local_cli() { # local_cli PORT COMMAND...: as the user that only this container knows
  port=$1
  shift
  REDISCLI_AUTH=$(cat "$run/local-$port") VALKEYCLI_AUTH=$(cat "$run/local-$port") \
    timeout 3 valkey-cli --no-auth-warning --user local -h "$address" -p "$port" "$@"
}

digest() { # digest FILE: a password as the server keeps it, which needs no quoting
  printf %s "$(cat "$1")" | sha256sum | cut -d ' ' -f 1
}

quoted() { # quoted FILE: a password as a word of a configuration file, whatever is in it
  printf '"%s"' "$(printf %s "$(cat "$1")" | od -An -v -tx1 | tr -d '\n' | sed 's/ /\\x/g')"
}

recent() { # recent FILE: whether it was changed in the last quarter of an hour
  [ -n "$(find "$1" -mmin "-${REDIS_OVERLAP_MINUTES:-15}" 2>/dev/null)" ]
}

remember() { # remember PART USER DIGEST: what a part of this pod takes now, and what it took before
  kept=$data/passwords/$1-$2
  mkdir -p "$data/passwords"
  if [ -f "$kept" ] && [ "$(cat "$kept")" != "$3" ]; then
    mv "$kept" "$kept.before"
    touch "$kept.before"
  fi
  echo "$3" >"$kept"
}

accepted() { # accepted PART USER FILE: passwords for a start, as ACL has them: for a while also the one before, so that
  # pods which have not restarted yet still come in
  new=$(digest "$3")
  remember "$1" "$2" "$new"
  printf '#%s' "$new"
  ! recent "$kept.before" || printf ' #%s' "$(cat "$kept.before")"
}

local_user() { # local_user PORT RULES: a user whose password this container makes at each start
  head -c 32 /dev/urandom | sha256sum | cut -d ' ' -f 1 >"$run/local-$1"
  echo "user local reset on #$(digest "$run/local-$1") $2"
}

stored_primary() { # what this pod's own Sentinel knew last; nothing before its first start
  [ ! -f "$state" ] || sed -n "s/^sentinel monitor $group \([^ ]*\) .*/\1/p" "$state"
}

named_primary() { # named_primary HOST: what a Sentinel says, as "<host> <replicas> <flags>"; fails where it is silent
  as sentinel -h "$1" -p 26379 SENTINEL MASTER "$group" 2>/dev/null | tr -d '\r' |
    awk '{ found[last] = $0; last = $0 }
         END { if (found["ip"] == "" || found["flags"] == "") exit 1
               print found["ip"], found["num-slaves"], found["flags"] }'
}

asked_others() { # the first answer of another pod's Sentinel; fails where none knows a primary
  for host in $HOSTS; do
    if [ "$host" != "$here" ] && named_primary "$host"; then return 0; fi
  done
  return 1
}

first_pod() { [ "$POD_NAME" = "${POD_NAME%-*}-0" ]; }
