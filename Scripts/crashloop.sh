#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Kills the broker at random moments while people talk, and sees that nothing accepted is lost.
# usage: Scripts/crashloop.sh [ROUNDS] [SEED]
set -euo pipefail
cd "$(dirname "$0")/.."
exec python3 -B Tests/Tools/crashloop.py "${1:-200}" "${BROKER_CLI:-$PWD/.build/debug/broker-cli}" ${2:+"$2"}
