#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The documents tell the truth: their dialogues, run against the program, print what they show.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec python3 -B Tests/Interop/readme_check.py
