#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What every source file has to keep to. Prints all that is wrong, not only the first.
set -uo pipefail
cd "$(dirname "$0")/.."

max_lines=400
failed=0
complain() {
  echo "$1" >&2
  failed=1
}

swift format lint --strict --recursive Fuzz Sources Tests Examples Package.swift || failed=1

while IFS= read -r file; do
  head -n 2 "$file" | grep -q '^// SPDX-License-Identifier: Apache-2.0$' || complain "$file: no SPDX line at its top"
  lines=$(wc -l <"$file")
  [ "$lines" -le $max_lines ] || complain "$file: $lines lines, more than $max_lines"
done < <(find Package.swift Fuzz Sources Tests Examples -name '*.swift' | sort)

while IFS= read -r file; do
  bash -n "$file" || failed=1
  head -n 2 "$file" | grep -q '^# SPDX-License-Identifier: Apache-2.0$' || complain "$file: no SPDX line at its top"
done < <(find Scripts .ci -type f \( -name '*.sh' -o -name run \) | sort)

exit $failed
