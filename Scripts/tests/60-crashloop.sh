#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Twenty kills; `make crashloop` does two hundred.
set -euo pipefail
exec "$(dirname "$0")/../crashloop.sh" 20
