#!/usr/bin/env bash
# Install the named system packages when we may (root and apt-get), else say what is lost. Never fails.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/sbin:/usr/local/sbin:/sbin"

is_there() {
  case "$1" in
    mosquitto) command -v mosquitto ;;
    chromium) command -v chromium || command -v chromium-browser || command -v google-chrome ;;
    postgresql-15) [ -x /usr/lib/postgresql/15/bin/postgres ] ;;
  esac >/dev/null 2>&1
}

what_is_lost() {
  case "$1" in
    mosquitto) echo "the lab uses its slower built-in broker, and tests of Mosquitto are skipped" ;;
    chromium) echo "tests in a browser are skipped" ;;
    postgresql-15) echo "tests on PostgreSQL 15 are skipped" ;;
  esac
}

install_without_starting() {
  # Debian starts a server as soon as it is installed, unless this file says no.
  local policy=/usr/sbin/policy-rc.d made=""
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && made=yes
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$1"
  local result=$?
  [ -n "$made" ] && rm -f "$policy"
  return $result
}

log="$PWD/.venv/system-packages.log"
is_updated=""
for package in "$@"; do
  is_there "$package" && continue
  # Tried once in this environment: a machine without a network must not wait at every start.
  tried=".venv/.tried-$package"
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && { [ ! -e "$tried" ] || [ "${CI:-}" = true ]; }; then
    echo "Installing $package …"
    [ -n "$is_updated" ] || apt-get update -q >>"$log" 2>&1
    is_updated=yes
    install_without_starting "$package" >>"$log" 2>&1
    touch "$tried"
  fi
  is_there "$package" || echo "$package is not installed: $(what_is_lost "$package"). To have it: apt-get install $package"
done
exit 0
