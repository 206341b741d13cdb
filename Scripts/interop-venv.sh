#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the Python that has the clients of Tests/Interop/requirements.txt, in an environment of its own. It is made
# once, and again when what it holds is no longer what is wanted.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.build-interop/venv
wanted=Tests/Interop/requirements.txt
if ! cmp -s "$wanted" "$venv/requirements.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv" >&2
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input --only-binary :all: -r "$wanted" >&2
  cp "$wanted" "$venv/requirements.txt"
fi
echo "$PWD/$venv/bin/python"
