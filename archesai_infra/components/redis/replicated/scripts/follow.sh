#!/bin/sh
# follow.sh server|sentinel: gives a running server or Sentinel the passwords that the kubelet has changed on the volume.
# The one before is taken for a quarter of an hour more, which a rollout of all that use it needs.
# shellcheck source=common.sh
. "${REDIS_CONFIG:-/etc/redis}/common.sh"
part=$1

follow() { # follow PORT USER FILE COMMAND...: the command takes the part's own use of the password, on standard input
  port=$1 name=$2 file=$3
  shift 3
  new=$(digest "$file")
  kept=$data/passwords/$part-$name
  if [ "$(cat "$kept")" != "$new" ]; then
    [ "$(local_cli "$port" ACL SETUSER "$name" "#$new")" = OK ] || return 0
    if [ $# -gt 0 ]; then
      [ "$(printf %s "$(cat "$file")" | local_cli "$port" -x "$@")" = OK ] || return 0
    fi
    remember "$part" "$name" "$new"
  elif [ -f "$kept.before" ] && ! recent "$kept.before"; then
    local_cli "$port" ACL SETUSER "$name" "!$(cat "$kept.before")" >/dev/null
    rm -f "$kept.before"
  fi
}

server() {
  while read -r name _; do
    case $name in
      default) follow 6379 default "$passwords/REDIS_PASSWORD" ;;
      replica) follow 6379 replica "$passwords/replica" CONFIG SET masterauth ;;
      *) follow 6379 "$name" "$passwords/$name" ;;
    esac
  done <"$config/users"
}

sentinel() {
  follow 26379 proxy "$passwords/proxy"
  follow 26379 sentinel "$passwords/sentinel" SENTINEL CONFIG SET sentinel-pass
  if [ "$(cat "$run/sentinel-login" 2>/dev/null)" != "$(digest "$passwords/sentinel")" ]; then
    reply=$(printf %s "$(cat "$passwords/sentinel")" | local_cli 26379 -x SENTINEL SET "$group" auth-pass)
    [ "$reply" != OK ] || digest "$passwords/sentinel" >"$run/sentinel-login"
  fi
}

while sleep 5; do "$part"; done
