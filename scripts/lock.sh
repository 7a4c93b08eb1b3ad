#!/usr/bin/env bash
# Renews requirements.lock: installs what pyproject.toml asks for into a fresh environment and writes down what came.
# There are no hashes, because the same torch release comes as different files (CPU, CUDA) from different places.
set -euo pipefail
cd "$(dirname "$0")/.."

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"${PYTHON:-python3}" -m venv "$fresh/venv"
pip="$fresh/venv/bin/pip --disable-pip-version-check"

python3 scripts/requirements.py train worker tracking-server dev >"$fresh/wanted.txt"
$pip install --quiet --upgrade -r "$fresh/wanted.txt"
{
  echo "# Written by scripts/lock.sh; do not edit."
  # A local version such as +cpu names a build, not a release: pip takes the build that its index offers. The parts of
  # CUDA come with the torch builds that need them, and only with those.
  $pip freeze --all | sed -E 's/\+[a-z0-9.]+$//' | grep -Evi '^(nvidia-|triton|cuda-|pip=)'
  # Wanted only by Pythons older than the one that this ran on, such as Debian 12's.
  echo 'async-timeout==5.0.1; python_full_version < "3.11.3"'
} >requirements.lock
wc -l requirements.lock
