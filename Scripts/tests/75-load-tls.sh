#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `load-test` through TLS: what arrives, and what it says of certificates that it does not take.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=$(Scripts/interop-venv.sh)
exec "$python" -B Tests/Interop/tls_check.py
