set -eu
. "$SCRIPTS/store.sh"
for kind in database redis; do
  store=$BACKUP_DIR/$kind
  [ -d "$store" ] || continue
  names | sort | while read -r name; do
    bytes=0
    for file in "$store/$name"/*; do bytes=$((bytes + $(wc -c <"$file"))); done
    echo "$kind $name $bytes"
  done
done
