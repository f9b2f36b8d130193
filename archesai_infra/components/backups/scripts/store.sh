#!/bin/sh
# One dump is one directory below $store, named by the moment it began, in UTC: names sort by age. It appears whole, by
# a rename, or not at all.

names() {
  for entry in "$store"/*; do
    case ${entry##*/} in
      [0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z) echo "${entry##*/}" ;;
    esac
  done
}

begin() { # begin KIND: take the lock of this kind of dump and an empty place to work in
  store=$BACKUP_DIR/$1
  part=$store/.part
  mkdir -p "$store"
  exec 9>"$store/.lock"
  lock=0
  flock -n 9 || lock=$?
  case $lock in
    0) ;;
    1) echo "$1: another dump is running" >&2; exit 75 ;;
    *) echo "$1: the lock cannot be taken (flock ended with $lock)" >&2; exit 69 ;;
  esac
  trap 'rm -rf "$part"' EXIT
  trap 'exit 143' HUP INT TERM
  rm -rf "$part"
  mkdir "$part"
  started=$(date -u +%Y%m%dT%H%M%SZ)
}

commit() { # the work becomes a dump; only then the oldest go
  sync "$part"/* "$part"
  mv -T "$part" "$store/$started"
  sync "$store"
  names | sort -r | tail -n "+$((KEEP + 1))" | while read -r old; do rm -rf "${store:?}/$old"; done
}

choose() { # choose KIND [NAME]: the dump of this name, else the newest
  store=$BACKUP_DIR/$1
  name=${2:-$(names | sort | tail -n 1)}
  dump=$store/$name
  [ -n "$name" ] && [ -d "$dump" ] || { echo "$1: no such dump: ${name:-there is none}" >&2; exit 66; }
}
