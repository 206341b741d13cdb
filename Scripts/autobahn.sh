#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Holds the WebSocket codec to the Autobahn test suite, by way of an echo server over it.
#
# usage: Scripts/autobahn.sh [GROUP | CASE]...      such as: 9, or 6.4 7.1.5
#
# Without arguments: groups 1 to 7 and 10. Group 9 sends messages of up to 16 MiB; 12 and 13 are compression. Ends with
# `N passed, N failed`. The suite is kept, ready to run, under .build-autobahn/. WEBSOCKET_ECHO names an echo server
# that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."

home=.build-autobahn
max_seconds=1800
[ $# -gt 0 ] || set -- 1 2 3 4 5 6 7 10

# The suite is written for Python 2; what converts it, and what it imports, is gone from later versions.
python=$(command -v python3.11 || command -v python3 || true)
if ! "$python" -W ignore -c 'import lib2to3, venv, ensurepip, sys; assert sys.version_info[:2] == (3, 11)' 2>/dev/null
then
  echo "Python 3.11 with venv and lib2to3 is needed; Debian 12 calls it python3-venv." >&2
  exit 1
fi

stamp=$(cat Scripts/autobahn/requirements.txt Scripts/autobahn/convert.py | sha256sum)
if [ "$(cat $home/stamp 2>/dev/null)" != "$stamp" ]; then
  rm -rf $home
  "$python" -m venv $home/venv
  $home/venv/bin/pip install --quiet --disable-pip-version-check --requirement Scripts/autobahn/requirements.txt
  $home/venv/bin/python -W ignore Scripts/autobahn/convert.py
  echo "$stamp" >$home/stamp
fi

if [ -z "${WEBSOCKET_ECHO:-}" ]; then
  swift build --product websocket-echo
  WEBSOCKET_ECHO=$(swift build --show-bin-path)/websocket-echo
fi

"$WEBSOCKET_ECHO" >$home/echo.log &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
address=
for _ in $(seq 100); do
  address=$(sed -n 's/^listening on //p' $home/echo.log)
  if [ -n "$address" ] || ! kill -0 $server 2>/dev/null; then break; fi
  sleep 0.1
done
if [ -z "$address" ]; then
  echo "$WEBSOCKET_ECHO does not listen." >&2
  exit 1
fi

timeout $max_seconds $home/venv/bin/python -W ignore Scripts/autobahn/fuzzing_client.py "ws://$address" "$@"
