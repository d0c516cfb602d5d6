#!/usr/bin/env bash
# Supplies the one symbol that libtorch wants from a newer libstdc++ than Debian 12 or Ubuntu 22.04 have.
#
# TorchSharp 0.107's native library needs std::ios_base_library_init() (GLIBCXX_3.4.32). In GCC 13 that function is
# an empty marker, so an empty one does. The stand-in is called libstdc++.so.6, defines every symbol version that the
# system's library defines plus the missing ones, and depends on the system's library by absolute path, where every
# real symbol is found. No binary is patched and nothing on the system changes.
# Delete this script when Debian 12 is gone (then nothing calls it: it prints nothing where it is not needed).
#
# Usage: libstdcxx-standin.sh DIR      prints the folder to put first in LD_LIBRARY_PATH, or nothing when not needed
set -euo pipefail
dir=$1

# awk reads to the end: one that left early would end ldconfig by SIGPIPE now and then, and with pipefail this script.
system=$(ldconfig -p 2>/dev/null | awk '/libstdc\+\+\.so\.6 .*x86-64/ && !found {print $NF; found = 1}')
if [ -z "$system" ]; then
  for candidate in /usr/lib/x86_64-linux-gnu/libstdc++.so.6 /usr/lib64/libstdc++.so.6 /lib/x86_64-linux-gnu/libstdc++.so.6; do
    [ -e "$candidate" ] && system=$candidate && break
  done
fi
if [ -z "$system" ]; then
  echo "libstdc++.so.6: not found on this machine; libtorch needs it. Install it: apt-get install -y libstdc++6" >&2
  exit 1
fi
grep -aq 'GLIBCXX_3\.4\.32' "$system" && exit 0

stamp="$system $(stat -Lc '%s %Y' "$system")"
if [ -e "$dir/libstdc++.so.6" ] && [ "$(cat "$dir/made-for" 2>/dev/null)" = "$stamp" ]; then
  echo "$dir"
  exit 0
fi

if ! command -v gcc >/dev/null || ! command -v objdump >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev binutils; } >&2
  else
    echo "gcc, binutils: missing, and this machine's libstdc++ is too old for libtorch. Run: sudo apt-get install -y gcc libc6-dev binutils" >&2
    exit 1
  fi
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The system's own version names, in order; all but the soname entry itself.
objdump -p "$system" | awk '/^Version definitions:/ {on=1; next} /^$/ {on=0} on && NF==4 {print $4}' |
  grep -E '^(GLIBCXX|CXXABI)_' | sort -uV >"$work/versions"
{
  while read -r version; do echo "$version { };"; done <"$work/versions"
  echo 'GLIBCXX_3.4.31 { };'
  echo 'GLIBCXX_3.4.32 { global: _ZSt21ios_base_library_initv; };'
} >"$work/versions.map"
echo 'void _ZSt21ios_base_library_initv(void) {}' >"$work/standin.c"
: >"$work/stub.c"

# An empty stub whose soname is the system library's absolute path: linking against it leaves that path as DT_NEEDED.
gcc -shared -nostdlib -o "$work/stub.so" -Wl,-soname,"$system" "$work/stub.c"
gcc -shared -nostdlib -fPIC -O2 -o "$work/libstdc++.so.6" "$work/standin.c" \
  -Wl,-soname,libstdc++.so.6 -Wl,--version-script="$work/versions.map" -Wl,--no-as-needed "$work/stub.so"

mkdir -p "$dir"
install -m 755 "$work/libstdc++.so.6" "$dir/libstdc++.so.6.new"
mv "$dir/libstdc++.so.6.new" "$dir/libstdc++.so.6"
echo "$stamp" >"$dir/made-for"
echo "$dir"
