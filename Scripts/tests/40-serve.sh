#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The program as a child process: start, wrong settings, SIGTERM with held polls, kill -9, and too few descriptors.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec python3 -B Tests/Interop/serve_check.py
