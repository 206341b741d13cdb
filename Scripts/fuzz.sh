#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fuzzes the readers of foreign bytes, each for FUZZ_SECONDS (60), under AddressSanitizer. With arguments, only those
# targets. An input that breaks something is left as Fuzz/Findings/<target>-… and fails the run.
set -uo pipefail
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-60}
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(http websocket envelope channels settings)
scratch=.build-fuzz
findings=Fuzz/Findings

# The sections that count coverage are referred to by nothing that a linker sees; it must not strip them.
BAYEUX_FUZZ=1 "${SWIFT:-swift}" build -c release --scratch-path $scratch --product fuzz \
  --sanitize address --sanitize fuzzer --disable-dead-strip \
  -Xswiftc -sanitize-coverage=edge,trace-cmp,inline-8bit-counters,pc-table \
  -Xswiftc -parse-as-library -Xswiftc -use-ld=lld || exit 1

passed=0
failed=0
mkdir -p $findings
for target in "${targets[@]}"; do
  corpus=Fuzz/Corpus/$target
  if [ ! -d "$corpus" ]; then
    echo "no such target: $target" >&2
    failed=$((failed + 1))
    continue
  fi
  # What it learns is kept from run to run, but not among the inputs that were chosen by hand.
  learnt=$scratch/corpus/$target
  mkdir -p "$learnt"
  log=$scratch/$target.log
  echo "fuzzing $target for $seconds s"
  # Leaks are not what is looked for: Swift keeps globals to the end, and other sanitizer runs look at the broker.
  if ASAN_OPTIONS=detect_leaks=0 FUZZ_TARGET=$target nice "$scratch/release/fuzz" "$learnt" "$corpus" \
    -max_total_time="$seconds" -max_len=1024 -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix="$findings/$target-" >"$log" 2>&1
  then
    passed=$((passed + 1))
    sed -n 's/^stat::number_of_executed_units: */  inputs tried: /p' "$log"
  else
    failed=$((failed + 1))
    grep -E '^broken invariant|Fatal error|ERROR: |Test unit written' "$log" | head -n 8 >&2
    echo "  all of it is in $log" >&2
  fi
done
rmdir $findings 2>/dev/null
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
