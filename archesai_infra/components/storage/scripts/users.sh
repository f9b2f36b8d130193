#!/bin/sh
# Makes the buckets and the users, each with one policy; running it again changes nothing. The image has no tools but mc
# and the shell.
set -eu

log() { echo "storage: $*"; }

# Keys come from files and by pipes: arguments can be read by every process of the pod.
until printf '%s\n%s\n' "$(cat "$KEYS/ACCESS_KEY")" "$(cat "$KEYS/SECRET_KEY")" | mc alias set store "$STORE" >/dev/null; do
  log "waiting for $STORE"
  sleep "${WAIT:-5}"
done

for bucket in $BUCKETS; do
  mc mb --ignore-existing "store/$bucket"
done

# Names of the policies that a user has, one a line.
policies_of() {
  known=$(mc admin user info store "$1" --json)
  case $known in *'"policyName"'*) ;; *) return ;; esac
  known=${known#*\"policyName\"*:*\"}
  known=${known%%\"*}
  while [ -n "$known" ]; do
    echo "${known%%,*}"
    case $known in *,*) known=${known#*,} ;; *) known= ;; esac
  done
}

for name in $USERS; do
  user=$PREFIX$name
  mc admin policy create store "$user" "$SCRIPTS/$name.json"
  printf '%s\n%s\n' "$user" "$(cat "$KEYS/$name")" | mc admin user add store
  attached=
  for policy in $(policies_of "$user"); do
    if [ "$policy" = "$user" ]; then
      attached=1
    else
      log "user $user had policy $policy, which is not the stack's"
      mc admin policy detach store "$policy" --user "$user"
    fi
  done
  [ -n "$attached" ] || mc admin policy attach store "$user" --user "$user"
done

# Such a user outlives every new password: whoever had the administrator's keys may have made it.
mc admin user list store | while read -r _ user _; do
  case " $USERS " in
    *" ${user#"$PREFIX"} "*) ;;
    *) log "user $user is not of this stack; if nobody knows it: mc admin user remove store $user" ;;
  esac
done
log "buckets $BUCKETS, users ${USERS:-none}"
