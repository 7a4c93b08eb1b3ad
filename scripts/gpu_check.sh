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
  local left=$((total - SECONDS))
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
  shape=(--network test_resnet --size 32 24 --batch 8 --images 64)
  train=(--networks test_resnet --size 32 24 --batch 8 --images 64 --turns 1 --augmentation hot6 --no-classic)
  compiled=("${train[@]}")
  networks=()
else
  shape=(--network efficientnet_b4 --size 280 210 --batch 64 --images 2048)
  train=(--device cuda --networks efficientnet_b4 --turns 2 --augmentation light hot6 --no-classic)
  compiled=(--device cuda --networks efficientnet_b4 --turns 2 --augmentation hot6 --no-classic --compile)
  networks=(--device cuda --networks rexnet_150 resnet50 --turns 2 --augmentation hot6 --no-classic)
fi
bench() { echo "bench/$1.py"; }

step tests 90 "$python" -m pytest -q -W ignore -p no:cacheprovider -m gpu \
  tests/training/test_transfer.py tests/training/test_images.py tests/faces/test_cascade.py
step "train efficientnet_b4" 80 "$python" "$(bench bench_train)" "${train[@]}"
step "resume by signal" 60 "$python" -m pytest -q -W ignore -p no:cacheprovider -k sigterm tests/training/test_exact_resume.py
step "residency, resume" 70 "$python" "$(bench gpu)" residency resume "${shape[@]}"
step crop 70 "$python" "$(bench gpu)" crop "${shape[@]}"
step "side by side" 60 "$python" "$(bench gpu)" side-by-side "${shape[@]}"
step predict 40 "$python" "$(bench gpu)" predict "${shape[@]}"
if [ -n "$tiny" ]; then
  step memory 40 "$python" "$(bench gpu)" memory "${shape[@]}"
else
  step memory 40 "$python" "$(bench gpu)" memory --network efficientnet_b4 --size 280 210 --batch 256 --images 1024
  step "train others" 80 "$python" "$(bench bench_train)" "${networks[@]}"
  step "train, any bits" 40 "$python" "$(bench bench_train)" "${compiled[@]/--compile/--any-bits}"
fi
step "train compiled" 120 "$python" "$(bench bench_train)" "${compiled[@]}"
if grep -q '"ok": false' "$results"; then
  echo "some steps failed, see $results" >&2
  exit 1
fi
