#!/bin/sh
# Starts redis with its users, whose passwords join the configuration on a volume in memory.
set -eu
umask 077
config=${REDIS_CONFIG:-/etc/redis/redis.conf}
users=${REDIS_USERS:-/etc/redis/users}
passwords=${REDIS_PASSWORDS:-/run/secrets/archesai}
joined=${REDIS_RUN:-/run/redis}/redis.conf
# Not cp: it would keep the mode 0444 of a ConfigMap's file, which nobody may append to.
cat "$config" >"$joined"
while read -r name rules; do
  file=$passwords/$name
  [ "$name" != default ] || file=$passwords/REDIS_PASSWORD
  # As a digest, no password needs quoting.
  digest=$(printf %s "$(cat "$file")" | sha256sum)
  echo "user $name reset on #${digest%% *} $rules" >>"$joined"
done <"$users"
# Checking reads all data: only after a start that never became ready, which is what leaves this mark.
data=${REDIS_DATA:-/data}
if [ -e "$data/.starting" ]; then
  # shellcheck source=repair.sh
  . "${REDIS_REPAIR:-/etc/redis/repair.sh}"
  repair "$data"
fi
touch "$data/.starting"
exec redis-server "$joined"
