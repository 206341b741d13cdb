#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every client over every transport, with and without acknowledgements, while its connections are cut. What comes of it
# has to be the table in Docs/Interop.md; REWRITE_DOCS=1 writes it anew.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=$(Scripts/interop-venv.sh)
exec "$python" -B Tests/Interop/interop_check.py
