#!/usr/bin/env bash
# Puts what the e2e tests drive knarr with into a cache folder, without installing it: Debian stable's kubectl (1.20) as
# kubectl-1.20 and Debian sid's (1.36) as kubectl-1.36. Idempotent. Needs apt and dpkg; elsewhere it says so and leaves
# (the tests then skip with a reason; under CI=true they fail instead).
set -euo pipefail
tools=${KNARR_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/knarr-test-tools}

if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  echo "install-test-tools: needs a Debian system; put kubectl-1.20 and kubectl-1.36 into $tools to run the e2e tests" >&2
  exit 0
fi
if [ -x "$tools/kubectl-1.20" ] && [ -x "$tools/kubectl-1.36" ]; then exit 0; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$tools"

# unpack SUITE PACKAGE TARGET: the kubectl of that Debian suite, taken from the mirror this machine already uses.
unpack() {
  local suite=$1 package=$2 target=$3 dir=$work/$1
  mkdir -p "$dir/lists/partial" "$dir/sources"
  if [ -f /etc/apt/sources.list.d/debian.sources ]; then
    awk 'BEGIN{RS="";ORS="\n\n"} !/-security/' /etc/apt/sources.list.d/debian.sources |
      sed -e "s/^Suites:.*/Suites: $suite/" >"$dir/sources/$suite.sources"
  else
    grep -E '^deb ' /etc/apt/sources.list | head -1 |
      sed -E "s/^(deb( \[[^]]*\])? [^ ]+) .*/\1 $suite main/" >"$dir/sources/$suite.list"
  fi
  local options=(-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$dir/sources"
    -o Dir::State::Lists="$dir/lists" -o Dir::Cache::pkgcache="" -o Dir::Cache::srcpkgcache="" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update -qq
  (cd "$dir" && apt-get "${options[@]}" download -qq "$package/$suite")
  dpkg-deb -x "$dir"/*.deb "$dir/unpacked"
  install -m 0755 "$dir/unpacked/usr/bin/kubectl" "$target"
}

[ -x "$tools/kubectl-1.20" ] || unpack bookworm kubernetes-client "$tools/kubectl-1.20"
[ -x "$tools/kubectl-1.36" ] || unpack sid kubectl "$tools/kubectl-1.36"
