set -eu
some() { rclone lsf --recursive --files-only "$1" 2>/dev/null | head -n 1; }
case $1 in
  backup)
    rclone lsf --max-depth 1 "$SOURCE" >/dev/null
    if [ -z "$(some "$SOURCE")" ] && [ -n "$(some "$TARGET/current")" ]; then
      echo 'objects: the bucket is empty and its copy is not: nothing is copied' >&2
      exit 65
    fi
    now=$(date -u +%Y%m%dT%H%M%SZ)
    rclone sync "$SOURCE" "$TARGET/current" --backup-dir "$TARGET/replaced/$now" --fast-list --stats-one-line -v
    rclone check "$SOURCE" "$TARGET/current" --one-way --size-only --fast-list
    before=$(date -u -d "@$(($(date +%s) - KEEP_DAYS * 86400))" +%Y%m%dT%H%M%SZ)
    rclone lsf --dirs-only "$TARGET/replaced" 2>/dev/null | tr -d / | while read -r old; do
      if expr "$old" '<' "$before" >/dev/null; then rclone purge "$TARGET/replaced/$old"; fi
    done
    ;;
  restore)
    # What is in the bucket and not in the copy stays.
    rclone copy "$TARGET/current" "$SOURCE" --fast-list --stats-one-line -v
    rclone check "$TARGET/current" "$SOURCE" --one-way --size-only --fast-list
    ;;
esac
echo "objects: $1 done"
