#!/bin/sh
# Unpacks the Kubernetes Go API sources of Debian sid into a directory, without root and without touching the system's apt.
# Usage: fetch-sources.sh <directory>. The sources end up in <directory>/root/usr/share/gocode/src/k8s.io.
set -eu

target=${1:?usage: fetch-sources.sh <directory>}
mirror=${2:-http://deb.debian.org/debian}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
packages='golang-k8s-api-dev golang-k8s-apimachinery-dev golang-k8s-apiextensions-apiserver-dev golang-k8s-metrics-dev golang-k8s-client-go-dev'

mkdir -p "$target/state/lists/partial" "$target/cache/archives/partial" "$target/debs" "$target/root"
target=$(cd "$target" && pwd)
echo "deb [signed-by=$keyring] $mirror sid main" >"$target/sources.list"

sid_apt() {
  apt-get \
    -o Dir::Etc::sourcelist="$target/sources.list" \
    -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State="$target/state" \
    -o Dir::State::lists="$target/state/lists" \
    -o Dir::Cache="$target/cache" \
    -o APT::Sandbox::User= \
    -q "$@"
}

sid_apt update
# shellcheck disable=SC2086 # The list is meant to be split.
(cd "$target/debs" && sid_apt download $packages)
for deb in "$target"/debs/*.deb; do dpkg-deb -x "$deb" "$target/root"; done
