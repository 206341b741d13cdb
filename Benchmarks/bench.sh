#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures the broker beside a floor of raw system calls, and says which targets hold.
#
#   Benchmarks/bench.sh [BROKER-CLI]
#
# Without an argument it builds the broker for release. ROUNDS (3) interleaved rounds, SECONDS_EACH (3) each; the median
# counts. The server runs on cpu 0 and the load generator on cpu 1, where taskset is there. BENCH_OUT keeps the reports.
# Docs/Performance.md explains every line. Exit status: 0, or 1 where a target does not hold.
set -u -o pipefail
cd "$(dirname "$0")/.."

rounds=${ROUNDS:-3}
each=${SECONDS_EACH:-3}
most=${MOST_CLIENTS:-19000}
work=$(mktemp -d)
out=${BENCH_OUT:-$work}
mkdir -p "$out"
server=
cleanup() {
  stop
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

on_server=() on_client=()
if command -v taskset > /dev/null && taskset -c 1 true 2> /dev/null; then
  on_server=(taskset -c 0)
  on_client=(taskset -c 1)
fi

if [ $# -gt 0 ]; then
  cli=$1
else
  swift build -c release --product broker-cli || exit 1
  cli=$(swift build -c release --show-bin-path)/broker-cli
fi
gcc -O2 -Wall -o "$work/floor" Benchmarks/floor.c || exit 1
ulimit -n "$(ulimit -Hn)" 2> /dev/null

# --- servers

stop() {
  [ -n "$server" ] && kill "$server" 2> /dev/null && wait "$server" 2> /dev/null
  server=
}

wait_for() { # FILE PATTERN
  for _ in $(seq 500); do
    grep -q "$2" "$1" 2> /dev/null && return 0
    sleep 0.01
  done
  echo "bench: the server does not start" >&2
  cat "$1" >&2
  exit 1
}

start() { # floor | broker | unpinned [SHARDS]: sets url, admin
  stop
  # Of the server before; the new one may not have made its own yet when it is looked for.
  rm -f "$work/log"
  if [ "$1" = floor ]; then
    "${on_server[@]}" "$work/floor" 0 > "$work/log" 2>&1 &
    server=$!
    wait_for "$work/log" '^listening on'
    admin=$(sed -n 's/^listening on //p' "$work/log")
    url=$admin/cometd
  else
    local pin=("${on_server[@]}")
    [ "$1" = unpinned ] && pin=()
    "${pin[@]}" "$cli" serve --port 0 --admin-port 0 --shards "${2:-1}" --log-level warning > "$work/log" 2>&1 &
    server=$!
    wait_for "$work/log" '^admin on'
    url=$(sed -n 's/^listening on //p' "$work/log")/genesys/cometd
    admin=$(sed -n 's/^admin on //p' "$work/log")
  fi
}

# --- measuring

load() { # NAME OPTIONS…: writes the report NAME.json
  local name=$1 status
  shift
  "${on_client[@]}" "$cli" load-test --quiet --url "$url" --server-pid "$server" --json "$out/$name.json" "$@" \
    > "$work/table"
  status=$?
  [ $status -le 1 ] || { echo "bench: $name: exit status $status" >&2; return 1; }
  if [ $status -eq 1 ]; then
    echo "bench: $name: $(tail -1 "$work/table")" >&2
    faults=$((faults + 1))
  fi
}

number() { # NAME KEY: the first number of that name in a report
  grep -o "\"$2\":[-0-9.]*" "$out/$1.json" 2> /dev/null | head -1 | cut -d: -f2
}

median() { # KEY NAME-PREFIX: over the rounds
  for round in $(seq "$rounds"); do number "$2-$round" "$1"; done | grep . | sort -g |
    awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)]; else print "nan" }'
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b + 0 > 0 && a != "nan") printf "%.3f", a / b; else print "nan" }'; }

faults=0
missed=0
row() { # WHAT VALUE RELATION TARGET DETAIL
  local verdict
  verdict=$(awk -v v="$2" -v r="$3" -v t="$4" \
    'BEGIN { if (v == "nan" || v == "") print "not measured"; else if (r == "<=" ? v + 0 <= t + 0 : v + 0 >= t + 0) print "holds"; else print "MISSED" }')
  [ "$verdict" = MISSED ] && missed=$((missed + 1))
  printf '%-58s %10s %s %-8s %-12s %s\n' "$1" "$2" "$3" "$4" "$verdict" "$5"
}

# --- the rounds

sizes="100 1000 10000"
for round in $(seq "$rounds"); do
  for who in floor broker; do
    echo "round $round of $rounds: $who" >&2
    for clients in $sizes; do
      for bytes in 200 1000; do
        start $who
        load "fanout-$who-$clients-$bytes-$round" --clients "$clients" --payload "$bytes" --duration "${each}s"
      done
    done
    start $who
    load "outstanding-$who-$round" --clients 1000 --window 16 --duration "${each}s"
    start $who
    load "storm-$who-$round" --scenario storm --clients 2000 --rounds 10
  done
  start broker
  load "users-most-$round" --scenario users --clients 10000 --publish-http "$admin/publish" --window 16 --duration 2s
  half=$(awk -v r="$(number "users-most-$round" perSecond)" 'BEGIN { print int(r / 2) }')
  for who in floor broker; do
    start $who
    load "users-$who-$round" --scenario users --clients 10000 --publish-http "$admin/publish" --rate "$half" \
      --duration "${each}s"
  done
  start broker
  load "memory-10000-$round" --scenario hold --clients 10000 --duration 1s
  start broker
  load "memory-$most-$round" --scenario hold --clients "$most" --duration 1s --source-addresses 2
  start broker
  load "memory-after-$round" --clients 10000 --messages 100 --warmup 0s
  # One shard and two, both on the cores that the generator is on: more cores at work cost more for each delivery,
  # whoever works on them.
  pinned=("${on_client[@]}")
  on_client=()
  for shards in 1 2; do
    start unpinned $shards
    load "shards-$shards-$round" --clients 1000 --duration "${each}s"
  done
  on_client=("${pinned[@]}")
  start broker
  # Where the broker speaks no websocket yet, the line says "not measured".
  load "websocket-$round" --transport websocket --clients 1000 --duration "${each}s" 2> /dev/null
done

# --- once

# The crowd's generator and the one that looks for stalls share a core: the latter has to be let in at once, or it would
# measure the former.
nicer=()
chrt -r 10 true 2> /dev/null && nicer=(chrt -r 10)
for round in $(seq "$rounds"); do
  start broker
  "${on_client[@]}" "$cli" load-test --quiet --url "$url" --clients 10000 --rate 1 --warmup 4s --duration 8s > /dev/null &
  crowd=$!
  sleep 5
  "${nicer[@]}" "${on_client[@]}" "$cli" load-test --quiet --url "$url" --server-pid "$server" --scenario users \
    --clients 20 --rate 200 --warmup 0s --duration 4s --json "$out/stall-$round.json" > /dev/null
  wait $crowd
done

calls=nan
if command -v strace > /dev/null; then
  start broker
  load calls --clients 200 --messages 400 --warmup 0s --settle 3s &
  loading=$!
  sleep 2
  strace -f -c -o "$work/calls" -p "$server" 2> /dev/null &
  tracer=$!
  wait $loading
  kill -INT $tracer 2> /dev/null
  wait $tracer 2> /dev/null
  calls=$(awk -v n="$(number calls delivered)" \
    '$1 ~ /^[0-9.]+$/ && $NF != "total" { sum += $4 } END { if (n > 0 && sum > 0) printf "%.2f", sum / n; else print "nan" }' \
    "$work/calls")
fi

for try in 1 2 3 4 5; do
  stop
  rm -f "$work/start"
  began=$(date +%s%N)
  "${on_server[@]}" "$cli" serve --port 0 --admin-port 0 --log-level warning > "$work/start" 2>&1 &
  server=$!
  until grep -q '^admin on' "$work/start" 2> /dev/null; do :; done
  echo $((($(date +%s%N) - began) / 1000000)) >> "$work/starts"
done
starting=$(sort -g "$work/starts" | sed -n 3p)

echo_rides() { # 1 where the reply to a publish carries the event
  local id post=(curl -s -H 'Content-Type: application/json' "$url" -d)
  id=$("${post[@]}" '[{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"]}]' |
    sed 's/.*"clientId":"\([^"]*\)".*/\1/')
  "${post[@]}" "[{\"channel\":\"/meta/subscribe\",\"clientId\":\"$id\",\"subscription\":\"/echo\"}]" > /dev/null
  "${post[@]}" "[{\"channel\":\"/meta/connect\",\"clientId\":\"$id\",\"connectionType\":\"long-polling\"}]" > /dev/null
  "${post[@]}" "[{\"channel\":\"/echo\",\"clientId\":\"$id\",\"data\":\"rides\"}]" | grep -c '"data":"rides"'
}
start broker
rides=nan
command -v curl > /dev/null && rides=$(echo_rides)
stop

# --- the table

cpu=cpuMicrosecondsPerUnit
printf '\n%-58s %10s    %-8s %-12s %s\n' target measured bound verdict detail
for clients in $sizes; do
  for bytes in 200 1000; do
    a=$(median $cpu "fanout-broker-$clients-$bytes") b=$(median $cpu "fanout-floor-$clients-$bytes")
    row "server CPU a delivery, $clients held, $bytes B, x floor" "$(ratio "$a" "$b")" "<=" 1.3 "$a us, floor $b us"
  done
done
grown=$(ratio "$(median $cpu fanout-broker-10000-200)" "$(median $cpu fanout-broker-100-200)")
floor_grown=$(ratio "$(median $cpu fanout-floor-10000-200)" "$(median $cpu fanout-floor-100-200)")
row "growth from 100 to 10000, x that of the floor" "$(ratio "$grown" "$floor_grown")" "<=" 1.05 "$grown, floor $floor_grown"
row "system calls a delivery" "$calls" "<=" 2.1 "strace -c"
a=$(median $cpu outstanding-broker) b=$(median $cpu fanout-broker-1000-200)
row "16 outstanding, x one at a time" "$(ratio "$a" "$b")" "<=" 0.3 "$a us; floor $(median $cpu outstanding-floor) us"
row "the event of one's own rides on the publish reply" "$rides" ">=" 1 ""
row "memory a held poll, 10000, bytes" "$(median memoryBytesPerClient memory-10000)" "<=" 1024 ""
row "memory a held poll, $most, bytes" "$(median memoryBytesPerClient "memory-$most")" "<=" 1024 ""
started=$(median residentBytesStarted memory-after) end=$(median residentBytesEnd memory-after)
row "memory a held poll after 100 rounds, bytes" \
  "$(awk -v a="$end" -v b="$started" 'BEGIN { print a == "nan" ? a : int((a - b) / 10000) }')" "<=" 1024 ""
row "a websocket delivery, x long-polling" \
  "$(ratio "$(median $cpu websocket)" "$(median $cpu fanout-broker-1000-200)")" "<=" 0.6 "$(median $cpu websocket) us"
a=$(median p99 users-broker) b=$(median p99 users-floor)
row "one of 10000 users at half load, p99 x floor" "$(ratio "$a" "$b")" "<=" 2 "$a ms, floor $b ms"
a=$(median $cpu storm-broker) b=$(median $cpu storm-floor)
row "handshake, subscribe, first connect: CPU x floor" "$(ratio "$a" "$b")" "<=" 1.5 "$a us, floor $b us"
row "stall of others while 10000 are served, ms" "$(median max stall)" "<=" 10 "p99 $(median p99 stall) ms"
row "2 shards: deliveries a CPU second, x one shard" \
  "$(ratio "$(median $cpu shards-1)" "$(median $cpu shards-2)")" ">=" 0.9 \
  "$(median $cpu shards-2) us, one shard $(median $cpu shards-1) us"
row "start to listening, ms" "$starting" "<=" 50 "median of 5"

echo
echo "$(nproc) cores, $(uname -sr), $(date -u +%Y-%m-%d), median of $rounds rounds of $each s"
[ $faults -eq 0 ] && echo "every run was clean: nothing lost, duplicated, out of order or misdelivered" ||
  echo "$faults runs were not clean, see above"
[ $missed -eq 0 ] && [ $faults -eq 0 ]
