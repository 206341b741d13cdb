#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests that drive the built program from outside, in the order of their numbers, and tells how long each took.
set -uo pipefail
cd "$(dirname "$0")/.."

# The program under test; each script may be told another one.
export BROKER_CLI="${BROKER_CLI:-$PWD/.build/debug/broker-cli}"

failed=()
times=()
for script in Scripts/tests/[0-9][0-9]-*.sh; do
  [ -x "$script" ] || continue
  echo "== $script"
  began=$SECONDS
  "$script" || failed+=("$script")
  times+=("$(printf '%4d s  %s' $((SECONDS - began)) "$script")")
done
printf '%s\n' "== Times" "${times[@]}"
if [ ${#failed[@]} -gt 0 ]; then
  echo "Failed: ${failed[*]}" >&2
  exit 1
fi
