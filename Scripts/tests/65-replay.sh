#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Five kills while clients publish to durable channels: what was answered successful is replayed, in order and once.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec python3 -B Tests/Tools/replayloop.py 5 "${BROKER_CLI:-$PWD/.build/debug/broker-cli}"
