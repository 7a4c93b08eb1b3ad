#!/usr/bin/env bash
# Updates requirements.lock: installs the requirements of pyproject.toml into a new environment and records the versions.
# Then records in requirements.hashes the sha256 of the files that pip takes here.
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
  # A local version such as +cpu names a build, not a release: pip takes the build that its index offers. CUDA
  # packages are installed only with the torch builds that depend on them.
  $pip freeze --all | sed -E 's/\+[a-z0-9.]+$//' | grep -Evi '^(nvidia-|triton|cuda-|pip=)'
  # Required only by Python versions older than the one in use here, such as Debian 12's.
  echo 'async-timeout==5.0.1; python_full_version < "3.11.3"'
} >requirements.lock
"$fresh/venv/bin/python" scripts/hashes.py record
wc -l requirements.lock
