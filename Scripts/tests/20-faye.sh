#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Faye, an independent client from Debian's ruby-faye: plain channels, wildcards, publish, disconnect.
set -uo pipefail
# shellcheck source=Scripts/tests/lib.sh
source "$(dirname "$0")/lib.sh"

if ! ruby -e 'require "faye"' 2>/dev/null; then
  echo "Debian's packages ruby and ruby-faye are needed" >&2
  exit 1
fi
start_broker || exit 1
ruby "$(dirname "$0")/../../Tests/Interop/faye_check.rb" "$public" "$admin"
result=$?
stop_broker TERM
exit $result
