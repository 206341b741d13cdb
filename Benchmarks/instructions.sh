#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Counts what a delivery costs in instructions of our own (not the kernel's) and in system calls: the same on every run,
# however busy the machine is.
#
#   Benchmarks/instructions.sh [BROKER-CLI]
#
# A fan-out is run twice under callgrind, with FEW (100) and with MANY (600) messages to CLIENTS (100) clients; the
# difference, divided by the deliveries between them, is free of starting and of setting up. strace counts likewise.
# Needs valgrind and strace. Docs/Performance.md has the figures.
set -u -o pipefail
cd "$(dirname "$0")/.."

clients=${CLIENTS:-100} few=${FEW:-100} many=${MANY:-600}
work=$(mktemp -d)
server=
trap '[ -n "$server" ] && kill "$server" 2> /dev/null; rm -rf "$work"' EXIT

if [ $# -gt 0 ]; then
  cli=$1
else
  swift build -c release --product broker-cli || exit 1
  cli=$(swift build -c release --show-bin-path)/broker-cli
fi

# valgrind does not understand what the linker writes for debuggers.
objcopy --strip-debug "$cli" "$work/broker" || exit 1

serve() { # COMMAND…: starts `serve` under it; sets server and url
  rm -f "$work/log"
  "$@" "$work/broker" serve --port 0 --admin-port 0 --shards 1 --log-level warning > "$work/log" 2> "$work/errors" &
  server=$!
  for _ in $(seq 600); do
    grep -q '^admin on' "$work/log" 2> /dev/null && break
    sleep 0.1
  done
  grep -q '^admin on' "$work/log" || { cat "$work/errors" >&2; exit 1; }
  url=$(sed -n 's/^listening on //p' "$work/log")/genesys/cometd
}

load() { # TRANSPORT MESSAGES
  "$cli" load-test --quiet --url "$url" --transport "$1" --clients "$clients" --messages "$2" --warmup 0s --stall 60s \
    > "$work/table" || { cat "$work/table" >&2; exit 1; }
}

stop() {
  kill -TERM "$server"
  wait "$server"
  server=
}

instructions() { # TRANSPORT MESSAGES: of the whole run
  serve valgrind -q --tool=callgrind --callgrind-out-file="$work/$1-$2"
  load "$1" "$2"
  stop
  sed -n 's/^summary: //p; s/^totals: //p' "$work/$1-$2" | tail -1
}

calls() { # TRANSPORT MESSAGES: of the whole run
  serve strace -f -c -o "$work/calls"
  load "$1" "$2"
  # The tracer passes the signal on, and ends with the broker.
  kill -TERM "$(pgrep -P "$server")"
  wait "$server"
  server=
  awk '$1 ~ /^[0-9.]+$/ && $NF != "total" { sum += $4 } END { print sum }' "$work/calls"
}

each() { awk -v a="$1" -v b="$2" -v n=$(((many - few) * clients)) -v f="$3" 'BEGIN { printf f, (b - a) / n }'; }

printf '%-14s %12s %12s\n' "a delivery" instructions "system calls"
for transport in long-polling websocket; do
  i=$(each "$(instructions $transport "$few")" "$(instructions $transport "$many")" %.0f)
  c=-
  command -v strace > /dev/null && c=$(each "$(calls $transport "$few")" "$(calls $transport "$many")" %.2f)
  printf '%-14s %12s %12s\n' "$transport" "$i" "$c"
done
echo
echo "Where they go, of the whole run with $many messages by long-polling:"
callgrind_annotate --show-percs=yes "$work/long-polling-$many" 2> /dev/null |
  grep -E '^ *[0-9,]+ \(' | head -"${TOP:-25}" | cut -c1-170 | { command -v swift > /dev/null && swift demangle --simplified || cat; }
