#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `load-test` against Faye, a Bayeux server by others: it knows nothing of the server that it measures.
set -uo pipefail
# shellcheck source=Scripts/tests/lib.sh
source "$(dirname "$0")/lib.sh"

if ! ruby -e 'require "faye"; require "thin"' 2>/dev/null; then
  echo "Debian's packages ruby, ruby-faye and thin are needed" >&2
  exit 1
fi
ruby "$(dirname "$0")/../../Tests/Interop/faye_server.rb" > "$work/port" 2> "$work/log" &
server=$!
trap 'kill -KILL $server 2>/dev/null; cleanup' EXIT
if ! wait_until 10 test -s "$work/port"; then
  cat "$work/log" >&2
  exit 1
fi
url=http://127.0.0.1:$(cat "$work/port")/bayeux

# load DELIVERIES OPTIONS…: nothing is lost, doubled or out of order, and at least so many were delivered.
load() {
  local least=$1
  shift
  if ! "$BROKER_CLI" load-test --url "$url" --server-pid $server --quiet --json "$work/report.json" "$@" \
    >"$work/table" 2>&1; then
    tail -3 "$work/table" >&2
    return 1
  fi
  [ "$(grep -o '"delivered":[0-9]*' "$work/report.json" | head -1 | cut -d: -f2)" -ge "$least" ]
}

check "fanout over long-polling against Faye" load 1000 --clients 50 --messages 20 --warmup 100ms
check "fanout over websocket against Faye" load 1000 --transport websocket --clients 50 --messages 20 --warmup 100ms
check "rooms against Faye" load 200 --scenario rooms --clients 40 --rooms 4 --messages 20 --warmup 100ms
check "storm against Faye" load 20 --scenario storm --clients 20 --rounds 2
check "hold against Faye" load 0 --scenario hold --clients 50 --duration 1s
check "its reports compare" "$BROKER_CLI" load-test compare "$work/report.json" "$work/report.json"
summary
