#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The example program that embeds the broker: a whole chat with its own backend, and its end by SIGTERM.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=Scripts/tests/lib.sh
. "$here/lib.sh"

: >"$work/err"
"$(dirname "$BROKER_CLI")/parrot" >"$work/out" 2>"$work/err" &
broker_pid=$!
check "the program starts" wait_until 10 contains "$work/err" "broker started"
public=$(sed -nE 's/.*public=([0-9.:]+).*/\1/p' "$work/err" | head -n 1)

post() { # path field...
  local path=$1
  shift
  curl -sS -m 10 -H 'gms_user: bob' "${@/#/-d}" "http://$public/genesys/1/service/$path" >"$work/answer"
}

post request-chat first_name=Bob
service=$(sed -nE 's/.*"_id": ?"([^"]+)".*/\1/p' "$work/answer")
check "a service is created" test -n "$service"
post "$service/ixn/chat" notify_by=none first_name=Bob
check "its chat is opened" contains "$work/answer" '"chatIxnState":"CONNECTED"'
post "$service/ixn/chat/send" 'message=hello parrot'
check "the parrot repeats what it hears" contains "$work/answer" '"parrot","hello parrot"'
post "$service/ixn/chat/disconnect" _=
check "the chat ends" contains "$work/answer" DISCONNECTED

[ $failed -eq 0 ] || cat "$work/answer" "$work/err" >&2
stop_broker TERM
check "SIGTERM ends it with status 0" test "$status" -eq 0
lines=$(wc -l <"$here/../../Examples/parrot/Main.swift")
check "it has fewer than 40 lines" test "$lines" -lt 40
summary
