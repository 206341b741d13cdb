#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A chat backend in another process, Docs/Examples/backend.py: whole chats, kills, and the protocol against its OpenAPI file.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec python3 -B Tests/Interop/backend_check.py
