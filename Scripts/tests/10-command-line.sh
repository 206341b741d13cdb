#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command line as a shell sees it: exit codes, streams, signals.
set -uo pipefail
# shellcheck source=Scripts/tests/lib.sh
source "$(dirname "$0")/lib.sh"

# exits EXPECTED_STATUS arguments...; the streams are in $work/out and $work/err
exits() {
  local expected=$1
  shift
  timeout 10 "$BROKER_CLI" "$@" >"$work/out" 2>"$work/err" </dev/null
  [ $? -eq "$expected" ]
}
is_empty() { [ ! -s "$1" ]; }
has_lines() { [ "$(wc -l <"$1")" -eq "$2" ]; }

# Verbs and usage
check "version ends with 0" exits 0 version
check "version is one line" has_lines "$work/out" 1
check "version names the program" contains "$work/out" "broker-cli "
check "version --json ends with 0" exits 0 version --json
check "version --json is an object" contains "$work/out" '{"name":"broker-cli","version":"'
check "help ends with 0" exits 0 serve --help
check "help is on standard output" contains "$work/out" "--admin-port"
check "help leaves standard error alone" is_empty "$work/err"
check "a wrong option ends with 2" exits 2 serve --nonsense
check "and leaves standard output alone" is_empty "$work/out"
check "a wrong number ends with 2" exits 2 serve --port x
check "a port out of bounds ends with 2" exits 2 serve --port 70000
check "and says why" contains "$work/err" 'option --port: "server.port" must be a whole number from 0 to 65535, not 70000'
check "an unknown verb ends with 2" exits 2 dance

# Configuration
printf '{\n  "bayeux": {\n    "maxIntervall": 1,\n    "timeout": 0\n  }\n}\n' >"$work/broker.json"
check "a wrong file ends with 2" exits 2 serve --config "$work/broker.json"
check "naming line and nearest key" contains "$work/err" \
  "$work/broker.json:3: unknown key \"bayeux.maxIntervall\"; did you mean \"bayeux.maxInterval\"?"
check "and all other errors" contains "$work/err" "$work/broker.json:4: \"bayeux.timeout\" must be"
check "a missing file ends with 2" exits 2 serve --config "$work/none.json"
check "an open admin listener without token ends with 2" env ADMIN_HOST=0.0.0.0 bash -c \
  'timeout 10 "$0" serve --port 0 2>/dev/null; [ $? -eq 2 ]' "$BROKER_CLI"

# Start and end
start_broker || exit 1
check "two lines and no more on standard output" has_lines "$work/out" 2
check "the public listener answers" curl -s -o "$work/body" --max-time 5 "http://$public/"
check "the admin listener answers" curl -s -o "$work/body" --max-time 5 "http://$admin/healthz"
check "a port in use ends with 1" bash -c \
  'timeout 10 "$0" serve --port "$1" --admin-port 0 >"$2/out2" 2>"$2/err2"; [ $? -eq 1 ]' "$BROKER_CLI" "${public##*:}" "$work"
check "with one clear line" bash -c '[ "$(grep -c "^error: " "$1/err2")" -eq 1 ]' _ "$work"
check "and nothing on standard output" is_empty "$work/out2"
stop_broker TERM
check "SIGTERM ends with 0" [ "$status" -eq 0 ]

start_broker --log-format json || exit 1
stop_broker INT
check "SIGINT ends with 0" [ "$status" -eq 0 ]
check "the log is JSON where told so" contains "$work/err" '{"time":"'

# Both listeners can be had again at once.
start_broker || exit 1
stop_broker TERM
again=${public##*:}
check "the port is free again" bash -c '
  "$0" serve --port "$1" --admin-port 0 >"$2/out3" 2>/dev/null & pid=$!
  for _ in $(seq 100); do grep -q "^admin on" "$2/out3" 2>/dev/null && break; sleep 0.1; done
  kill -TERM $pid; wait $pid' "$BROKER_CLI" "$again" "$work"

# The lines that --demo shows are a whole conversation.
start_broker --demo || exit 1
wait_until 5 contains "$work/out" "/greetings"
sed -n 's/^  //p' "$work/out" | sed 1d >"$work/steps.sh"
echo wait >>"$work/steps.sh"
check "five lines to paste" has_lines "$work/steps.sh" 6
check "which run" timeout 20 bash -c 'bash "$1/steps.sh" >"$1/steps.out" 2>&1' _ "$work"
check "and bring the message to the held connect" contains "$work/steps.out" '"data":{"text":"hello"}'
stop_broker TERM
check "the demo ends with 0" [ "$status" -eq 0 ]

summary
