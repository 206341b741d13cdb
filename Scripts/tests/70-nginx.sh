#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# nginx in front of the broker: as it is by itself, and with the configuration of Docs/Operations.md, taken from that
# page. What was found has to be the table there; REWRITE_DOCS=1 writes it anew.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=$(Scripts/interop-venv.sh)
exec "$python" -B Tests/Interop/nginx_check.py
