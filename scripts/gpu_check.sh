#!/usr/bin/env bash
# Test and measure maskfold on a GPU machine, the most valuable first, in under eight minutes:
#
#     bash project/scripts/gpu_check.sh [RESULTS.jsonl]
#
# Every step has its own time limit and adds its JSON lines to the results as it ends; a step that fails adds the end of
# what it printed. From the folder of an unpacked bundle of gpu_bundle.sh; PYTHON is the machine's, which has torch.
# TINY=1 takes sizes that a processor manages in a minute or two, to try the script itself.
set -uo pipefail
results=$(realpath -m "${1:-results.jsonl}")
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
tiny=${TINY:-}
total=${TOTAL_SECONDS:-470}
patience=${PATIENCE:-1} # factor of all time limits
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

has='import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, sys.argv[1:])))'
if [ -d ../wheels ] && ! "$python" -c "$has" facenet_pytorch madgrad pydantic; then
  "$python" -m pip install --quiet --no-index --no-deps --no-compile --target "$scratch/site" ../wheels/*.whl || exit 2
fi
export PYTHONPATH=$scratch/site:$PWD/src:$PWD PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MASKFOLD_HOME=$scratch/home
: >"$results"

step() { # step NAME SECONDS COMMAND...
  local name=$1 limit=$2 since=$SECONDS code=0
  shift 2
  limit=$((limit * patience))
  local left=$((total * patience - SECONDS))
  [ "$limit" -le "$left" ] || limit=$left
  if [ "$limit" -lt 5 ]; then
    code=skipped
    : >"$scratch/out"
    echo "no time is left" >"$scratch/log"
  else
    timeout --kill-after=5 "$limit" "$@" >"$scratch/out" 2>"$scratch/log" || code=$?
  fi
  "$python" - "$name" "$code" "$((SECONDS - since))" "$scratch/out" "$scratch/log" >>"$results" <<'PY'
import json, sys
name, code, seconds, out, log = sys.argv[1:]
printed = open(out, encoding="utf-8", errors="replace").read().splitlines()
for line in printed:
    if line.startswith("{"):
        print(line)
said = [line for line in [*printed, *open(log, encoding="utf-8", errors="replace").read().splitlines()] if line[:1] != "{"]
done = {"step": name, "ok": code == "0", "seconds": int(seconds)}
if code == "0":
    done["last"] = said[-1] if said else ""
else:
    done |= {"exit_code": code, "last": said[-40:]}
print(json.dumps(done))
PY
  tail -n 1 "$results" | cut -c 1-300
}

if [ -n "$tiny" ]; then
  large=(--network test_resnet --size 32 24 --batch 8 --images 64)
  short=("${large[@]}" --device cpu --turns 1 --no-classic --augmentation hot6)
  short=("${short[@]/--network/--networks}")
  b4=("${short[@]}") others=("${short[@]}") any=("${short[@]}" --any-bits) compiled=("${short[@]}")
  too_large=("${large[@]}")
else
  large=(--network efficientnet_b4 --size 280 210 --batch 64 --images 1280)
  too_large=(--network efficientnet_b4 --size 280 210 --batch 256 --images 1024)
  short=(--device cuda --turns 2 --images 2048 --no-classic --augmentation hot6 --networks)
  b4=("${short[@]}" efficientnet_b4) others=("${short[@]}" resnet50 rexnet_150)
  any=("${short[@]}" efficientnet_b4 --any-bits) compiled=("${short[@]}" resnet50 --compile)
fi
tests=("$python" -m pytest -q -W ignore -p no:cacheprovider)

step tests 60 "${tests[@]}" -m gpu tests/training/test_{transfer,images}.py tests/faces/test_cascade.py
step "train efficientnet_b4" 75 "$python" bench/bench_train.py "${b4[@]}"
step crop 45 "$python" bench/gpu_crop.py decode cpu
step "stopped by a signal" 45 "${tests[@]}" -k sigterm tests/training/test_exact_resume.py
step "residency, resume" 60 "$python" bench/gpu.py residency resume "${large[@]}"
step memory 40 "$python" bench/gpu.py memory "${too_large[@]}"
step "side by side" 75 "$python" bench/gpu.py side-by-side "${large[@]}"
step "train others" 75 "$python" bench/bench_train.py "${others[@]}"
step predict 40 "$python" bench/gpu.py predict "${large[@]}"
step "crop on gpu" 60 "$python" bench/gpu_crop.py gpu --photographs 600
step "train, any bits" 45 "$python" bench/bench_train.py "${any[@]}"
step "train compiled" 90 "$python" bench/bench_train.py "${compiled[@]}"
if grep -q '"ok": false' "$results"; then
  echo "some steps failed, see $results" >&2
  exit 1
fi
