#!/bin/sh
# Fills /opt/venv, which is copied into the images.
#   install.sh [--only] [EXTRA ...]   the locked requirements, as scripts/requirements.py names them
#   install.sh --file FILE            requirements of that file
#   install.sh --package FOLDER       maskfold itself, into FOLDER
# Secrets, if the build has them: pip's configuration in /run/secrets/pip_conf, certificates in /run/secrets/ca.
# Mounted at /wheels: docker/wheels, for wheels that the package index lacks.
set -eu

if [ ! -d /opt/venv ]; then
  python3 -m venv /opt/pip
  python3 -m venv --without-pip /opt/venv # the final image needs no pip
fi
if [ -s /run/secrets/pip_conf ]; then
  export PIP_CONFIG_FILE=/run/secrets/pip_conf
fi
if [ -s /run/secrets/ca ]; then
  export PIP_CERT=/run/secrets/ca
fi
pip="/opt/pip/bin/pip --quiet --disable-pip-version-check --python /opt/venv/bin/python install"

case $1 in
--package)
  $pip --no-deps --target "$2" .
  exit
  ;;
--file)
  $pip --find-links /wheels --no-deps --requirement "$2"
  exit
  ;;
esac
python3 scripts/requirements.py "$@" >/tmp/wanted.txt
# The build is a local version, 2.13.0+cpu, which pip ranks above the plain 2.13.0 of its own index.
$pip ${TORCH_BUILD:+--extra-index-url "https://download.pytorch.org/whl/$TORCH_BUILD"} --find-links /wheels \
  --constraint requirements.lock --requirement /tmp/wanted.txt
if grep -q '^torch==' /tmp/wanted.txt; then
  $pip --find-links /wheels --no-deps --requirement requirements-nodeps.lock
fi
