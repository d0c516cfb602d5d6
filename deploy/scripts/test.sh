#!/usr/bin/env bash
# Builds everything, runs every test project in turn, prints the time of each and ends with `N passed, N failed, N skipped`.
# --full adds the long drills. Each skipped test says why.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
case ${1:-} in
  '') ;;
  --full) export MCN_FULL=1 ;;
  *) echo "test: found '$1'; expected nothing or --full" >&2; exit 2 ;;
esac
command -v dotnet >/dev/null || { echo "dotnet: not found; expected the .NET 10 SDK. Install it (https://dotnet.microsoft.com/download) and try again." >&2; exit 2; }

standin=$("$root/deploy/scripts/libstdcxx-standin.sh" "$root/.mcn/native")
[ -z "$standin" ] || export LD_LIBRARY_PATH="$standin${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

"$root/deploy/scripts/need.sh" npm "the build of the page" nodejs npm
# Without a browser its tests skip, and say this line.
"$root/deploy/scripts/need.sh" chromium "the tests of the page" chromium fonts-noto-cjk || true

cd "$root"
began=$SECONDS
dotnet build Mcn.Web.sln -c Release -v q
echo "build: $((SECONDS - began)) s"

passed=0 failed=0 skipped=0
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
for project in Shared.Tests Architecture.Tests Dashboard.Tests Trainer.Tests EndToEnd.Tests Gpu.Tests; do
  assembly=$(find "$root/tests/$project/bin/Release" -name "Mcn.Web.$project.dll" -print -quit)
  began=$SECONDS
  status=0
  dotnet "$assembly" -noColor -noLogo 2>&1 | tee "$results/$project" || status=$?
  # "Total: 92, Errors: 0, Failed: 0, Skipped: 1, Not Run: 0": the runner's own last words; none means that it died before.
  if summary=$(grep -oE 'Total: [0-9]+, Errors: [0-9]+, Failed: [0-9]+, Skipped: [0-9]+' "$results/$project"); then
    read -r total e f s <<<"$(tr -cd '0-9 ' <<<"$summary")"
    f=$((f + e)) p=$((total - f - s))
  else
    p=0 f=1 s=0
  fi
  [ "$status" = 0 ] || [ "$f" -gt 0 ] || f=1
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  echo "$project: $p passed, $f failed, $s skipped, $((SECONDS - began)) s"
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
