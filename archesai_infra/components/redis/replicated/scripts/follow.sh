#!/bin/sh
# follow.sh server|sentinel: gives a running server or Sentinel the passwords that the kubelet has changed on the volume.
# The one before is taken for a quarter of an hour more, which a rollout of all that use it needs.
# shellcheck source=common.sh
. "${REDIS_CONFIG:-/etc/redis}/common.sh"
part=$1

accept() { # accept PORT USER FILE: take a new password besides, and forget an old one
  new=$(digest "$3")
  kept=$data/passwords/$part-$2
  if [ "$(cat "$kept")" != "$new" ]; then
    [ "$(local_cli "$1" ACL SETUSER "$2" "#$new")" != OK ] || remember "$part" "$2" "$new"
  elif [ -f "$kept.before" ] && ! recent "$kept.before"; then
    local_cli "$1" ACL SETUSER "$2" "!$(cat "$kept.before")" >/dev/null
    rm -f "$kept.before"
  fi
}

refused() { # refused USER PORT: whether a pod does not take the user's password yet; a silent one does not count
  for host in $HOSTS; do
    case $(as "$1" -h "$host" -p "$2" PING 2>&1) in *WRONGPASS* | *NOAUTH*) return 0 ;; esac
  done
  return 1
}

log_in() { # log_in PORT USER TARGET COMMAND...: use a new password for other pods' port TARGET, once all of them take it:
  # a Sentinel that is not let in calls a server down
  at=$1 user=$2 target=$3 secret=$passwords/$2
  shift 3
  seen=$run/login-$user-$target
  [ "$(cat "$seen")" != "$(digest "$secret")" ] || return 0
  ! refused "$user" "$target" || return 0
  [ "$(printf %s "$(cat "$secret")" | local_cli "$at" -x "$@")" != OK ] || digest "$secret" >"$seen"
}

server() {
  while read -r name _; do
    file=$passwords/$name
    [ "$name" != default ] || file=$passwords/REDIS_PASSWORD
    accept 6379 "$name" "$file"
  done <"$config/users"
  log_in 6379 replica 6379 CONFIG SET masterauth
}

sentinel() {
  for name in proxy sentinel; do accept 26379 "$name" "$passwords/$name"; done
  log_in 26379 sentinel 6379 SENTINEL SET "$group" auth-pass
  log_in 26379 sentinel 26379 SENTINEL CONFIG SET sentinel-pass
}

while sleep 5; do "$part"; done
