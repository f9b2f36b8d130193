#!/bin/sh
# Starts the server of Playwright that the image has, else the one of the lock file: npm refuses other content under its
# version. As process 1 the server ignores SIGTERM: this shell passes the signal on and waits.
set -eu
if ! command -v playwright >/dev/null; then
  cp "$SCRIPTS/package.json" "$SCRIPTS/package-lock.json" "$HOME"
  cd "$HOME"
  npm ci --ignore-scripts --no-audit --no-fund --omit=optional
  PATH=$HOME/node_modules/.bin:$PATH
fi
server=
stopping=
stop() {
  stopping=1
  [ -z "$server" ] || kill -TERM "$server"
}
trap stop TERM INT
# Without a host it listens on every address, IPv6 included.
playwright run-server --port "$PORT" &
server=$!
[ -z "$stopping" ] || stop
status=0
wait "$server" || status=$?
[ -n "$stopping" ] || exit "$status"
# The signal ended that wait, and not yet the server.
wait "$server" || status=$?
exit 0
