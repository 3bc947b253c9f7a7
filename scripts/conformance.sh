#!/usr/bin/env bash
# conformance.sh KUBECONFIG SUITE [REPORTS [LIST]]: runs upstream's conformance tests that simulated nodes can pass.
#   SUITE: a folder with v1.20's e2e.test, ginkgo and kubectl (dl.k8s.io: kubernetes-test and kubernetes-client archives)
#   REPORTS: where logs and JUnit files go, default ./conformance-reports
#   LIST: names of tests, one a line; default test/conformance/simulated-nodes.txt
# Tests marked [Serial] run alone after the others. Exits non-zero when a test fails. docs/conformance.md says more.
set -euo pipefail
kubeconfig=$(realpath "${1:?kubeconfig}")
suite=$(realpath "${2:?folder with e2e.test, ginkgo and kubectl}")
reports=$(realpath -m "${3:-conformance-reports}")
list=$(realpath "${4:-$(dirname "$0")/../test/conformance/simulated-nodes.txt}")

run() { # NAME WORKERS, names of tests on stdin
  local focus
  focus=$(sed 's/[][\.*+?(){}^$|]/\\&/g' | paste -sd'|')
  [ -n "$focus" ] || return 0
  mkdir -p "$reports/$1"
  "$suite/ginkgo" --nodes="$2" --noColor --focus="$focus" "$suite/e2e.test" -- --provider=skeleton \
    --kubeconfig="$kubeconfig" --kubectl-path="$suite/kubectl" --report-dir="$reports/$1" --disable-log-dump \
    --kube-api-content-type=application/vnd.kubernetes.protobuf >"$reports/$1/e2e.log" 2>&1 && status=0 || status=$?
  grep -aoE '\{"msg":"FAILED [^{}]*\[Conformance\]' "$reports/$1/e2e.log" | cut -c9- || true
  grep -aE '^(SUCCESS!|FAIL!) --|Ran [0-9]+ of' "$reports/$1/e2e.log" | sed "s/^/$1: /"
  return "$status"
}

failed=0
{ grep -vF '[Serial]' "$list" || true; } | run parallel 4 || failed=1
{ grep -F '[Serial]' "$list" || true; } | run serial 1 || failed=1
exit "$failed"
