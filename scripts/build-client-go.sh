#!/usr/bin/env bash
# Builds test/e2e/client-go against Debian sid's unmodified client-go (0.36) with sid's Go, both unpacked into a temporary folder,
# neither installed, and puts the program into the cache folder of the test tools, unless it is there and newer than its
# source. Takes one to three minutes and a gigabyte of temporary space: .ci/run does it beside other work, `npm test` does not
# (test/e2e/client-go.test.ts skips, saying so, where the program is absent).
set -euo pipefail
tools=${KNARR_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/knarr-test-tools}
source=$(cd "$(dirname "$0")/../test/e2e/client-go" && pwd)
go=1.26
program=$tools/client-go-protobuf

if [ -x "$program" ] && [ -z "$(find "$source" -newer "$program" -name '*.go')" ]; then
  echo "$program"
  exit 0
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null || [ ! -f /etc/apt/sources.list.d/debian.sources ]; then
  echo "build-client-go: needs a Debian system with debian.sources" >&2
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$tools" "$work/lists/partial" "$work/sources" "$work/packages" "$work/root" "$work/gopath/src"

awk 'BEGIN{RS="";ORS="\n\n"} !/-security/' /etc/apt/sources.list.d/debian.sources |
  sed -e 's/^Suites:.*/Suites: sid/' >"$work/sources/sid.sources"
options=(-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources" -o Dir::State::Lists="$work/lists"
  -o Dir::Cache::pkgcache="" -o Dir::Cache::srcpkgcache="" -o APT::Sandbox::User=root)
apt-get "${options[@]}" update -qq
mapfile -t libraries < <(
  apt-cache "${options[@]}" depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances golang-k8s-client-go-dev | grep -E '^golang-.*-dev$' | sort -u
)
(cd "$work/packages" && apt-get "${options[@]}" download -qq "${libraries[@]}" "golang-$go-go" "golang-$go-src")
for package in "$work"/packages/*.deb; do dpkg-deb -x "$package" "$work/root"; done

cp -r "$source" "$work/gopath/src/client-go-protobuf"
cd "$work/gopath/src/client-go-protobuf"
GOROOT="$work/root/usr/lib/go-$go" GOPATH="$work/gopath:$work/root/usr/share/gocode" GOCACHE="$work/cache" \
  GO111MODULE=off GOFLAGS= GOTOOLCHAIN=local CGO_ENABLED=0 \
  "$work/root/usr/lib/go-$go/bin/go" build -ldflags '-s -w' -o "$work/client-go-protobuf" .
install -m 0755 "$work/client-go-protobuf" "$program"
echo "$program"
