#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A disk that is read-only or broken while the broker runs, and a data file that is overwritten.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec python3 -B Tests/Interop/store_check.py
