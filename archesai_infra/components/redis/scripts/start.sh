#!/bin/sh
# Starts redis with the password of its Secret, which joins the configuration on a volume in memory.
set -eu
umask 077
config=${REDIS_CONFIG:-/etc/redis/redis.conf}
password=${REDIS_PASSWORD_FILE:-/run/secrets/archesai/REDIS_PASSWORD}
joined=${REDIS_RUN:-/run/redis}/redis.conf
# Not cp: it would keep the mode 0444 of a ConfigMap's file, which nobody may append to.
cat "$config" >"$joined"
printf '\nrequirepass "%s"\n' "$(sed 's/[\\"]/\\&/g' "$password")" >>"$joined"
exec redis-server "$joined"
