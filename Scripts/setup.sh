#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what the system lacks for building (`run`) or also for testing (`test`). Does nothing where all is there,
# so that it needs neither apt nor the network then.
set -euo pipefail

# Oldest toolchain whose package manager and language features the manifest uses.
min_major=6
min_minor=3

has_libevent() {
  pkg-config --exists libevent_core 2>/dev/null
}
has_sqlite() {
  pkg-config --exists sqlite3 2>/dev/null
}
has_ssl() {
  pkg-config --exists openssl 2>/dev/null
}
has_zlib() {
  pkg-config --exists zlib 2>/dev/null
}
has_pkg_config() { command -v pkg-config >/dev/null; }
has_curl() { command -v curl >/dev/null; }
has_venv() { python3 -c 'import venv, ensurepip' 2>/dev/null; }
has_ruby() { command -v ruby >/dev/null; }
has_openssl() { command -v openssl >/dev/null; }
# The search path of a user may lack the folder that Debian puts it in.
has_nginx() { command -v nginx >/dev/null || [ -x /usr/sbin/nginx ]; }
has_faye() { ruby -e 'require "faye"' 2>/dev/null; }
has_thin() { ruby -e 'require "thin"' 2>/dev/null; }

check_swift() {
  if ! command -v swift >/dev/null; then
    echo "Swift $min_major.$min_minor or newer is needed; see https://www.swift.org/install" >&2
    exit 1
  fi
  local found major minor
  found=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1)
  major=${found%%.*}
  minor=${found#*.}
  if [ -z "$found" ] || [ "$major" -lt $min_major ] || { [ "$major" -eq $min_major ] && [ "$minor" -lt $min_minor ]; }
  then
    echo "Swift $min_major.$min_minor or newer is needed; this is ${found:-an unknown version}." >&2
    exit 1
  fi
}

missing=()
need() { # check package
  "$1" || missing+=("$2")
}

case "${1:-}" in
  run | test) ;;
  *)
    echo "usage: Scripts/setup.sh run|test" >&2
    exit 2
    ;;
esac

check_swift
need has_pkg_config pkg-config
need has_libevent libevent-dev
need has_sqlite libsqlite3-dev
need has_ssl libssl-dev
need has_zlib zlib1g-dev
if [ "$1" = test ]; then
  need has_curl curl
  need has_venv python3-venv
  need has_ruby ruby
  need has_faye ruby-faye
  need has_thin thin
  need has_openssl openssl
  need has_nginx nginx
fi
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "Please install what is missing; Debian calls it: ${missing[*]}" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Please run as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

# Tests run nginx and thin by themselves: their packages must not begin to serve, now or after a restart of the machine.
services=()
for service in nginx thin; do
  [[ " ${missing[*]} " == *" $service "* ]] && services+=("$service")
done
policy=/usr/sbin/policy-rc.d
if [ ${#services[@]} -gt 0 ] && [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
  "${as_root[@]}" chmod 755 $policy
  trap '"${as_root[@]}" rm -f $policy' EXIT
fi

echo "Installing: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
if [ ${#services[@]} -gt 0 ] && command -v systemctl >/dev/null; then
  "${as_root[@]}" systemctl disable --quiet "${services[@]}" || true
fi
