#!/usr/bin/env bash
# The main job in one command: dashboard and trainer daemon on this machine, a run on them, an address to open.
# Called by ./mcn up, which has built everything and set the library path. Ctrl-C stops both, in order; called again it goes on.
# Usage: up.sh ROOT DASHBOARD_DLL TRAINER_DLL [--config FILE] [--data DIR] [--listen ADDRESS:PORT] [--insecure-lan] [--new] [--simulate-gpus N]
set -euo pipefail
root=$1 dashboard=$2 trainer=$3
shift 3

config='' data=${MCN_DATA:-$root/.mcn} listen=127.0.0.1:8080 new='' lan='' gpus=''
usage_error() { echo "up: $1" >&2; exit 2; }
while [ $# -gt 0 ]; do
  case $1 in
    --config | --data | --listen | --simulate-gpus)
      [ $# -gt 1 ] || usage_error "$1: found nothing behind it; expected a value"
      case $1 in
        --config) config=$2 ;;
        --data) data=$2 ;;
        --listen) listen=$2 ;;
        --simulate-gpus) gpus=$2 ;;
      esac
      shift 2
      ;;
    --new) new=--new; shift ;;
    --insecure-lan) lan=--insecure-lan; shift ;;
    *) usage_error "found '$1'; expected --config FILE, --data DIR, --listen ADDRESS:PORT, --insecure-lan, --new or --simulate-gpus N" ;;
  esac
done
[ -z "$config" ] || [ -e "$config" ] || usage_error "--config $config: found no file; expected a configuration (deploy/config has examples)"
[[ -z "$gpus" || "$gpus" =~ ^([1-9]|1[0-6])$ ]] || usage_error "--simulate-gpus $gpus: expected a number from 1 to 16"
[[ "$listen" =~ ^.+:[0-9]+$ ]] || usage_error "--listen $listen: expected ADDRESS:PORT, such as 127.0.0.1:8080"

[ ! -e "$data" ] || [ -d "$data" ] || usage_error "--data $data: found a file; expected a folder, or a name that is free"
mkdir -p "$data"
data=$(cd "$data" && pwd)
config=${config:-$root/deploy/config/sample.json}
config=$(cd "$(dirname "$config")" && pwd)/$(basename "$config")
key=$data/trainer/key
address=${listen%:*} port=${listen##*:}
[ "$address" = 0.0.0.0 ] && address=127.0.0.1

# Nothing is started for a configuration with mistakes or a port that somebody has: what is wrong stands alone on the screen then.
status=0
dotnet "$trainer" plan --config "$config" >/dev/null 2>"$data/.mistakes" || status=$?
[ "$status" != 2 ] || { cat "$data/.mistakes" >&2; rm -f "$data/.mistakes"; exit 2; }
rm -f "$data/.mistakes"
if { exec 3<>"/dev/tcp/$address/$port"; } 2>/dev/null; then
  echo "--listen: $listen is in use; expected a free port. Give another one" >&2
  exit 1
fi

if [ -n "$gpus" ]; then
  # A folder of its own: where the stand-in for libstdc++ lies, every later command would take these for the machine's GPUs.
  "$root/tests/FakeNvml/build.sh" "$data/native/simulated-gpus" >&2
  export MCN_NVML_LIBRARY=$data/native/simulated-gpus/libnvidia-ml.so.1 MCN_FAKE_NVML_GPUS=$gpus
  echo "GPUs are SIMULATED ($gpus): nothing runs on them."
fi

# The sample set is the trainer's to make; only the built-in configuration is prepared by itself.
if [ "$config" = "$root/deploy/config/sample.json" ]; then
  dotnet "$trainer" data sample "$root/.mcn/sample"
fi

dashboard_pid='' trainer_pid=''
stop() {
  trap - INT TERM EXIT
  for pid in $trainer_pid $dashboard_pid; do
    kill -TERM "$pid" 2>/dev/null || continue
    wait "$pid" 2>/dev/null || true # a trainer that saved says 75; the dashboard must still be stopped
  done
}
trap 'stop; exit 0' INT TERM
trap stop EXIT

# Background processes of a script ignore SIGINT: Ctrl-C reaches only this script, which stops them one after the other.
dotnet "$dashboard" --data "$data" --listen "$listen" $lan --trainer-key-file "$key" &
dashboard_pid=$!

url=http://$address:$port
for _ in $(seq 1 150); do
  kill -0 "$dashboard_pid" 2>/dev/null || { wait "$dashboard_pid" || status=$?; exit "${status:-1}"; }
  # bash's own sockets: no curl needed
  if { exec 3<>"/dev/tcp/$address/$port"; } 2>/dev/null; then exec 3>&-; break; fi
  sleep 0.2
done

dotnet "$trainer" serve --data "$data" --dashboard "$url" --key-file "$key" --config "$config" $new &
trainer_pid=$!

echo "Dashboard: $url   (from another machine: ssh -L $port:$address:$port this-machine, then open http://127.0.0.1:$port)"
echo "Ctrl-C saves and stops; ./mcn up goes on."
wait -n "$dashboard_pid" "$trainer_pid" || status=$?
exit "${status:-0}"
