# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts beside this file share. To be sourced; leaves no process and no file behind.

BROKER_CLI="${BROKER_CLI:-${BROKER:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/.build/debug/broker-cli}}"
work=$(mktemp -d)
passed=0
failed=0
broker_pid=

cleanup() {
  [ -n "$broker_pid" ] && kill -KILL "$broker_pid" 2>/dev/null
  rm -rf "$work"
}
trap cleanup EXIT

# check "what holds" command arguments...
check() {
  local what=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "ok: $what"
  else
    failed=$((failed + 1))
    echo "FAILED: $what" >&2
    echo "        $*" >&2
  fi
}

# The last line of every script.
summary() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}

# wait_until SECONDS command arguments...
wait_until() {
  local tries=$(($1 * 20))
  shift
  while ! "$@"; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || return 1
    sleep 0.05
  done
}

is_gone() { ! kill -0 "$1" 2>/dev/null; }
contains() { grep -qF -- "$2" "$1"; }
lacks() { ! contains "$1" "$2"; }

# Starts `serve` on ports that the system chooses, and sets broker_pid, public and admin (host:port) once it accepts.
# Standard output and error are in $work/out and $work/err. Arguments are further options of `serve`.
start_broker() {
  : >"$work/out"
  "$BROKER_CLI" serve --port 0 --admin-port 0 "$@" >"$work/out" 2>"$work/err" &
  broker_pid=$!
  if ! wait_until 10 contains "$work/out" "admin on http://"; then
    echo "the broker did not start:" >&2
    cat "$work/err" >&2
    return 1
  fi
  public=$(sed -n 's|^listening on http://||p' "$work/out")
  admin=$(sed -n 's|^admin on http://||p' "$work/out")
}

# stop_broker SIGNAL; sets status to its exit code.
stop_broker() {
  kill "-$1" "$broker_pid"
  if ! wait_until 8 is_gone "$broker_pid"; then kill -KILL "$broker_pid"; fi
  wait "$broker_pid"
  status=$?
  broker_pid=
}
