#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# aiocometd, an independent client from PyPI: a whole conversation, users apart, held polls, restarts.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=$(Scripts/interop-venv.sh)
exec "$python" -B Tests/Interop/aiocometd_check.py
