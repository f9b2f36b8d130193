#!/bin/sh
# Copies the bucket, or brings a copy back. Directories are listed one by one, and one of more than RCLONE_LIST_CUTOFF
# objects is sorted on disk: memory does not grow with the number of objects.
set -eu

some() { rclone lsf --recursive --files-only "$1" 2>/dev/null | head -n 1; }

prune() { # what was replaced or deleted before KEEP_DAYS
  before=$(date -u -d "@$(($(date +%s) - KEEP_DAYS * 86400))" +%Y%m%dT%H%M%SZ)
  rclone lsf --dirs-only "$TARGET/replaced" 2>/dev/null | tr -d / | while read -r old; do
    if expr "$old" '<' "$before" >/dev/null; then rclone purge "$TARGET/replaced/$old"; fi
  done
}

case $1 in
  backup)
    rclone lsf --max-depth 1 "$SOURCE" >/dev/null
    # An empty bucket after a loss must not become the copy of it.
    if [ -z "$(some "$SOURCE")" ] && [ -n "$(some "$TARGET/current")" ]; then
      echo 'objects: the bucket is empty and its copy is not: nothing is copied' >&2
      exit 65
    fi
    prune
    now=$(date -u +%Y%m%dT%H%M%SZ)
    # sync compares what it copied and fails by itself. A comparison with a second listing would fail whenever an object
    # is written meanwhile.
    rclone sync "$SOURCE" "$TARGET/current" --backup-dir "$TARGET/replaced/$now" --stats-one-line -v
    ;;
  restore)
    # What is in the bucket and not in the copy stays.
    rclone copy "$TARGET/current" "$SOURCE" --stats-one-line -v
    rclone check "$TARGET/current" "$SOURCE" --one-way --size-only
    ;;
esac
echo "objects: $1 done"
