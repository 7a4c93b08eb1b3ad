#!/usr/bin/env bash
# A Docker engine on a Debian machine without systemd, as root, for the container tests.
#   engine.sh start FOLDER   install and start an engine unless one answers, import a base image unless one can be pulled;
#                            writes FOLDER/env, settings for the tests
#   engine.sh stop FOLDER    stop the engine that start has started
set -euo pipefail
folder=$(mkdir -p "$2" && cd "$2" && pwd)
official=python:3.11-slim-bookworm

main() {
  case $1 in
  start)
    install_engine
    docker info >/dev/null 2>&1 || start_engine
    if docker image inspect $official >/dev/null 2>&1 || timeout 60 docker pull --quiet $official >/dev/null 2>&1; then
      : >"$folder/env"
    else
      import_base
    fi
    ;;
  stop) stop_engine ;;
  esac
}

install_engine() {
  local packages=()
  command -v dockerd >/dev/null || docker info >/dev/null 2>&1 || packages+=(docker.io docker-cli containerd)
  docker buildx version >/dev/null 2>&1 || packages+=(docker-buildx)
  docker compose version >/dev/null 2>&1 || packages+=(docker-compose)
  if [ ${#packages[@]} -gt 0 ]; then
    install_packages "${packages[@]}"
  fi
}

# Debian 12 has neither Compose 2 nor buildx; those of Debian 13 run there too if nothing else is upgraded.
install_packages() {
  local options=() suite=""
  apt-get update -qq
  if ! apt-cache show docker-buildx >/dev/null 2>&1; then
    suite=/trixie
    mkdir -p "$folder/sources" "$folder/lists/partial"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}; do
      if [ -e "$file" ]; then
        cp "$file" "$folder/sources/"
        sed 's/bookworm/trixie/g' "$file" >"$folder/sources/newer-${file##*/}"
      fi
    done
    printf 'Package: *\nPin: release n=trixie*\nPin-Priority: 50\n' >"$folder/preferences"
    options=(-o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$folder/sources"
      -o "Dir::Etc::Preferences=$folder/preferences" -o "Dir::State::Lists=$folder/lists")
    apt-get "${options[@]}" update -qq
  fi
  DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" install -y -qq --no-install-recommends "${@/%/$suite}" \
    >"$folder/apt.log" 2>&1 || { tail -20 "$folder/apt.log" >&2; return 1; }
}

start_engine() {
  local socket=/var/run/docker.sock
  setsid dockerd >"$folder/dockerd.log" 2>&1 </dev/null &
  echo $! >"$folder/dockerd.pid"
  for _ in $(seq 100); do
    docker -H "unix://$socket" info >/dev/null 2>&1 && return
    sleep 0.2
  done
  echo "the Docker engine did not start:" >&2
  tail -20 "$folder/dockerd.log" >&2
  return 1
}

import_base() {
  if ! docker image inspect maskfold-test-base >/dev/null 2>&1; then
    command -v mmdebstrap >/dev/null || apt-get install -y -qq --no-install-recommends mmdebstrap >"$folder/apt.log" 2>&1
    mmdebstrap --variant=minbase --include=ca-certificates,python3,python3-venv bookworm - 2>"$folder/mmdebstrap.log" |
      docker import - maskfold-test-base >/dev/null || { tail "$folder/mmdebstrap.log" >&2; return 1; }
  fi
  echo "MASKFOLD_TEST_BASE=maskfold-test-base" >"$folder/env"
}

stop_engine() {
  local pid
  pid=$(cat "$folder/dockerd.pid" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || return 0
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.2
  done
}

main "$@"
