#!/bin/sh
# Cuts the append-only file where it cannot be read any more, as a full or broken disk leaves it: redis itself loads a
# file that is cut off and refuses one with garbage in it. What is cut off is kept beside the data while there is room.

repair() { # repair DATA: before a start that follows one which never became ready
  manifest=$1/appendonlydir/appendonly.aof.manifest
  [ -f "$manifest" ] || return 0
  check=$(redis-check-aof "$manifest" 2>&1) && return 0
  file=$1/appendonlydir/$(echo "$check" | sed -n 's/.*filename=\([^,]*\),.*/\1/p' | tail -n 1)
  good=$(echo "$check" | sed -n 's/.*ok_up_to=\([0-9]*\),.*/\1/p' | tail -n 1)
  # The snapshot at the head has no place to be cut at.
  case $file in *.incr.aof) ;; *) good= ;; esac
  if [ ! -f "$file" ] || [ -z "$good" ]; then
    echo "$check" >&2
    echo "redis: its data in $1/appendonlydir cannot be repaired: see RedisUnreachable in docs/operations.md" >&2
    return 65
  fi
  cut=$(($(wc -c <"$file") - good))
  kept=$1/unreadable.aof
  tail -c "+$((good + 1))" "$file" >"$kept" 2>/dev/null || rm -f "$kept"
  echo y | redis-check-aof --fix "$manifest" >/dev/null 2>&1 || { echo "redis: $file cannot be cut" >&2; return 65; }
  echo "redis: the append-only file could not be read from byte $good on: its last $cut bytes were cut off" >&2
  [ ! -f "$kept" ] || echo "redis: what was cut off is kept as $kept" >&2
}
