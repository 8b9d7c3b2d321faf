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
need pgbouncer pgbouncer /usr/sbin/pgbouncer
need buildah buildah
need mmdebstrap mmdebstrap
need iproute2 ip
need nginx-light nginx
need openssl openssl
need sqlite3 sqlite3
need strace strace
need systemd systemd-analyze
need wrk wrk
need prometheus-pushgateway prometheus-pushgateway

newer=""
command -v prometheus-2.53 >/dev/null 2>&1 || newer=" prometheus-2.53"

[ -n "$missing$newer" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Not installed:$missing$newer. Tests that need them will be skipped." >&2
    exit 0
fi

newer_prometheus() { # the program alone, out of the package of the next Debian
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    mkdir -p "$scratch/lists/partial" "$scratch/cache" "$scratch/none"
    archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
        grep -m 1 '/debian/*$')
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb [signed-by=$keys] $archive trixie main" >"$scratch/sources.list"
    (
        cd "$scratch"
        get() {
            apt-get -qq -o Dir::Etc::SourceList="$scratch/sources.list" \
                -o Dir::Etc::SourceParts="$scratch/none" -o Dir::State::Lists="$scratch/lists" \
                -o Dir::Cache="$scratch/cache" -o APT::Sandbox::User=root "$@"
        }
        get update && get download prometheus && dpkg-deb -x prometheus_2.53*.deb root &&
            install root/usr/bin/prometheus /usr/local/bin/prometheus-2.53
    ) >/dev/null || echo "Not installed:$newer." >&2
}

if [ -n "$newer" ] && grep -q '^ID=debian' /etc/os-release; then
    echo "Installing$newer"
    newer_prometheus
fi
[ -n "$missing" ] || exit 0
echo "Installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# Runlevel 1: install the programs without starting their services.
# shellcheck disable=SC2086 - a list
RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $missing >/dev/null
