#!/bin/sh
# Install the real programs that tests run, where that is possible: as root on Debian.
# Elsewhere the tests that need one are skipped, and say which package they miss.
set -eu

missing=""
need() { # package, then the programs it brings; any one on PATH or at that path will do
    package=$1; shift
    for program in "$@"; do
        command -v "$program" >/dev/null 2>&1 && return
        ls $program >/dev/null 2>&1 && return
    done
    missing="$missing $package"
}

need prometheus promtool
need prometheus-alertmanager prometheus-alertmanager alertmanager
need chromium chromium
need chromium-driver chromedriver
need postgresql initdb '/usr/lib/postgresql/*/bin/initdb'
need buildah buildah
need mmdebstrap mmdebstrap
need iproute2 ip
need nginx-light nginx
need openssl openssl
need systemd systemd-analyze

[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Not installed:$missing. Tests that need them will be skipped." >&2
    exit 0
fi
echo "Installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# Runlevel 1: install the programs without starting their services.
# shellcheck disable=SC2086 - a list
RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $missing >/dev/null
