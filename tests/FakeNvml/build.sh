#!/usr/bin/env bash
# Builds the stand-in for NVML, when a source is newer than it. Needs gcc, nothing else.
#
# Usage: build.sh OUTDIR      prints the path of the library, for MCN_NVML_LIBRARY
set -euo pipefail
[ $# = 1 ] || { echo "build.sh: found $# arguments; expected the folder to build into" >&2; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
library=$(cd "$1" && pwd)/libnvidia-ml.so.1

for source in "$here"/*.c "$here"/*.h "$here/build.sh"; do
  if [ ! -e "$library" ] || [ "$source" -nt "$library" ]; then
    command -v gcc >/dev/null || { echo "gcc: missing; it builds the simulated GPUs. Run: sudo apt-get install -y gcc libc6-dev" >&2; exit 1; }
    # A name of its own until it is complete: two builds at once do not meet, and a process that has the old one keeps it.
    temporary=$(mktemp "$library.XXXXXX")
    trap 'rm -f "$temporary"' EXIT
    gcc -std=gnu11 -O2 -Wall -Wextra -fPIC -fvisibility=hidden -shared -Wl,-soname,libnvidia-ml.so.1 \
      -o "$temporary" "$here/fake_nvml.c" "$here/scenario.c" -lm -lpthread
    chmod 755 "$temporary"
    mv "$temporary" "$library"
    break
  fi
done
echo "$library"
