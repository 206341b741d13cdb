#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Thousands of held polls: memory of each, processor time while nothing happens, one publish to all, descriptors back.
# Measures the release build where there is one: BROKER_RELEASE, else .build/release/broker-cli.
set -uo pipefail
cd "$(dirname "$0")/../.."

program="${BROKER_RELEASE:-.build/release/broker-cli}"
kind="the release build"
if [ ! -x "$program" ]; then
  program="${BROKER_CLI:-${BROKER:-.build/debug/broker-cli}}"
  kind="no release build, but"
fi
echo "measured: $kind $program"
exec python3 -B Tests/Interop/held_check.py "$program"
