#!/usr/bin/env bash
# Sees to it that a command is there: installs Debian packages as root, otherwise prints the line that does and exits 1.
# Usage: need.sh COMMAND 'what it is for' PACKAGE …
set -euo pipefail
command=$1 reason=$2
shift 2
command -v "$command" >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing $* ($reason) …" >&2
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "$@"; } >/dev/null
  command -v "$command" >/dev/null && exit 0
fi
echo "$command: not found; needed for $reason. Run: sudo apt-get install -y --no-install-recommends $*" >&2
exit 1
