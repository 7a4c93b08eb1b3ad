#!/usr/bin/env bash
# Pack all that a GPU machine without internet needs to test and measure maskfold: scripts/gpu_bundle.sh FILE.tar
#
# It brings its own Python, torch, torchvision, timm, pandas, scikit-learn and pytest; everything else that the checks
# import travels as wheels. PYTHON_VERSION=3.12 is that machine's. Then, there:
#
#     tar -xf FILE.tar && bash project/scripts/gpu_check.sh
set -euo pipefail
out=$(realpath -m "${1:?usage: scripts/gpu_bundle.sh FILE.tar}")
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
version=${PYTHON_VERSION:-3.12}
most=60 # MiB
missing=(annotated-types facenet-pytorch madgrad pydantic pydantic-core typing-inspection)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/project" "$folder/wheels" && mkdir -p "$(dirname "$out")"
git ls-files -z | tar --null --files-from - -cf - | tar -xf - -C "$folder/project"

wanted=()
for name in "${missing[@]}"; do
  wanted+=("$(grep -ihE "^${name//-/[-_]}==" requirements.lock requirements-nodeps.lock | cut -d' ' -f1)")
done
echo "wheels: ${wanted[*]}"
for one in "${wanted[@]}"; do # what has no wheel is built: it is plain Python
  "$python" -m pip --disable-pip-version-check download --quiet --no-deps --only-binary=:all: --dest "$folder/wheels" \
    --implementation cp --python-version "$version" --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
    "$one" 2>/dev/null ||
    "$python" -m pip --disable-pip-version-check wheel --quiet --no-deps --wheel-dir "$folder/wheels" "$one"
done

"$python" scripts/gpu_photographs.py "$folder/shared/realdata" --people "${PEOPLE:-86}"
weights=../shared/weights
if [ -d "$weights" ]; then
  mkdir -p "$folder/shared/weights"
  cp "$weights"/tf_efficientnet_lite0.* "$folder/shared/weights/"
fi
tar -cf "$out.part" -C "$folder" .
size=$(du -m "$out.part" | cut -f1)
if [ "$size" -gt "$most" ]; then
  rm -f "$out.part"
  echo "the bundle would take $size MiB, more than $most; pack fewer people: PEOPLE=40 scripts/gpu_bundle.sh $1" >&2
  exit 2
fi
mv "$out.part" "$out"
echo "$out: $size MiB"
