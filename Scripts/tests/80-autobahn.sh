#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The WebSocket codec, by the Autobahn test suite: all but its long group 9, which `make autobahn` runs.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec Scripts/autobahn.sh
