#!/usr/bin/env bash
# Make .venv and install the given lock file into it; does nothing when it is installed already.
set -euo pipefail
cd "$(dirname "$0")/.."

lock="$1"
stamp=".venv/.installed-${lock%.txt}"

is_suitable() {
  "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
  for python in python3.12 python3.13 python3.11 python3 python3.14 ""; do
    if [ -z "$python" ]; then
      echo "Python 3.11 or newer with its venv module is needed: apt-get install python3 python3-venv" >&2
      exit 1
    fi
    is_suitable "$python" && break
  done
  echo "Making a virtual environment with $("$python" --version) …"
  rm -rf .venv
  "$python" -m venv .venv
fi

wanted="$(.venv/bin/python -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$lock")"
[ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ] && exit 0

echo "Installing $lock (the first time takes a minute or two) …"
count=0
.venv/bin/python -m pip install --require-hashes --no-input --disable-pip-version-check --no-warn-script-location \
  --progress-bar off -r "$lock" 2>&1 | while IFS= read -r line; do
  case "$line" in
    Collecting*)
      count=$((count + 1))
      [ $((count % 20)) -eq 0 ] && echo "  $count packages found"
      ;;
    Installing*) echo "  $count packages found; installing them …" ;;
    ERROR* | error* | *"rror:"*) echo "$line" >&2 ;;
  esac
  true
done
echo "$wanted" >"$stamp"
