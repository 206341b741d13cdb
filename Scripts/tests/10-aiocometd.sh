#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# aiocometd, an independent client from PyPI: a whole conversation, users apart, held polls, restarts.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=.build-interop/venv
wanted=Tests/Interop/requirements.txt

# Made once, and again when what it holds is no longer what is wanted.
if ! cmp -s "$wanted" "$venv/requirements.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input --only-binary :all: -r "$wanted"
  cp "$wanted" "$venv/requirements.txt"
fi
exec "$venv/bin/python" -B Tests/Interop/aiocometd_check.py
