#!/usr/bin/env bash
# run.sh READER [SECONDS]: fuzzes one reader of foreign files with afl-fuzz (SharpFuzz tells it the branches), 300 s by default.
# Called again it goes on with what it found. Everything lies below .mcn/fuzz of the clone.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
reader=${1:?usage: run.sh READER [SECONDS]; README.md lists the readers}
seconds=${2:-300}
work=$root/.mcn/fuzz
seeds=$root/tests/Fuzz/Seeds/${reader%-inside}
[ -d "$seeds" ] || { echo "$reader: no such reader; expected one of $(ls "$root/tests/Fuzz/Seeds" | tr '\n' ' ')npz-inside pth-inside" >&2; exit 2; }
"$root/deploy/scripts/need.sh" afl-fuzz "fuzzing" afl++
version=$(sed -n 's/.*"SharpFuzz" Version="\([^"]*\)".*/\1/p' "$root/Directory.Packages.props")
[ -x "$work/tools/sharpfuzz" ] || dotnet tool install SharpFuzz.CommandLine --version "$version" --tool-path "$work/tools"

dotnet build "$root/tests/Fuzz" -v q
# The instrumented program runs only below afl-fuzz, so it is a copy; the one that was built reads findings again.
built=$root/tests/Fuzz/bin/Release/net10.0
rm -rf "$work/bin" && mkdir -p "$work/out" && cp -r "$built" "$work/bin"
"$work/tools/sharpfuzz" "$work/bin/Mcn.Web.Fuzz.dll" Mcn.Web.Trainer.Import

export AFL_SKIP_BIN_CHECK=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_AUTORESUME=1 AFL_NO_UI=1
# Ten seconds for one input is a hang; memory is judged by the program itself (Verdict.cs).
nice -n 19 afl-fuzz -V "$seconds" -i "$seeds" -o "$work/out/$reader" -t 10000 -m none -- dotnet "$work/bin/Mcn.Web.Fuzz.dll" "$reader" >"$work/$reader.log" 2>&1 \
  || { tail -20 "$work/$reader.log"; exit 1; }
grep -E '^(run_time|execs_done|corpus_count|edges_found|saved_crashes|saved_hangs)' "$work/out/$reader/default/fuzzer_stats"
for finding in "$work/out/$reader"/default/{crashes,hangs}/id:*; do
  [ ! -e "$finding" ] || echo "again with: dotnet $built/Mcn.Web.Fuzz.dll $reader '$finding'"
done
