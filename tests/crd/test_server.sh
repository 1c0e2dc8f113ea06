#!/bin/bash
# The committed CRD in a real API server (named by $WEIR_TEST_KUBECONFIG; skipped without one): what it takes, what it
# refuses and in which words, what kubectl shows. usage: test_server.sh CRD
set -euo pipefail
[[ -n ${WEIR_TEST_KUBECONFIG:-} ]] || exit 77
crd=$1
bin=${WEIR_CACHE:-$HOME/.cache/weir}/bin/testcluster
namespace=crd-test-$$
k() { "$bin" kubectl --kubeconfig "$WEIR_TEST_KUBECONFIG" -n "$namespace" "$@"; }
failures=0
fail() { echo "FAILED: $*" >&2; failures=$((failures + 1)); }
trap 'k delete pipelines --all --wait=false >/dev/null 2>&1; k delete namespace "$namespace" --wait=false >/dev/null 2>&1' EXIT

pipeline() { # NAME, spec on standard input
  printf 'apiVersion: weir.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: %s}\nspec:\n' "$1"
  sed 's/^/  /'
}
takes() { # NAME, spec on standard input
  pipeline "$1" | k apply --server-side -f - >/dev/null || fail "$1: should be taken"
}
refuses() { # WORDS, spec on standard input
  local said
  if said=$(pipeline refused | k apply --server-side -f - 2>&1); then fail "should be refused with: $1"; return; fi
  grep -qF -- "$1" <<<"$said" || fail "refused, but not with \"$1\": $said"
}

k apply --server-side -f "$crd" >/dev/null
# kubectl fails, and does not wait, while a new CRD has no conditions at all
until said=$(k wait --for=condition=Established crd/pipelines.weir.dev --timeout=20s 2>&1); do
  ((SECONDS < 60)) || { fail "the CRD is not established: $said"; exit 1; }
  sleep 0.2
done
k create namespace "$namespace" >/dev/null
conditions=$(k get crd pipelines.weir.dev -o jsonpath='{.status.conditions[*].type}')
[[ $conditions != *NonStructuralSchema* ]] || fail "the schema is not structural"

takes all <<'EOF'
suspend: true
params: [{name: date, value: "2026-11-19"}]
defaults:
  image: apache/spark:4.1.1
  env: [{name: HADOOP_CONF_DIR, value: /etc/hadoop/conf}]
  retry: {limit: 2, infraLimit: 0, backoff: {initial: 30s, factor: 1.5, max: 1h30m}, onlyOn: ["3"]}
  timeout: 4h
failurePolicy: Continue
parallelism: 2
timeout: 24h
ttlSecondsAfterFinished: 3600
podRetention: Never
tasks:
- name: spark
  onFailure: Ignore
  startTimeout: 90s
  resources: {limits: {memory: 2Gi, cpu: 1}}
  tolerations: [{key: a}]
  pod: {metadata: {labels: {a: b}}, spec: {containers: [{name: main, securityContext: {runAsUser: 1000}}]}}
  sparkSubmit: {application: a.py, master: yarn, deployMode: client, driver: {javaOptions: "-Xss1m"}, conf: {a.b: c}}
- {name: jar, dependsOn: [spark], hadoopJar: {jar: j, args: [-x]}}
- {name: streaming, hadoopStreaming: {jar: j, input: [a], output: b, numReduceTasks: 0, cmdenv: {A: ""}}}
- {name: command, command: {command: [sh, -c, "echo $(params.date)"], workingDir: /tmp}}
EOF

# an object just made is not one that is ready, for those who compare generations (kstatus)
observed=$(k get pipeline all -o jsonpath='{.status.observedGeneration}')
[[ $observed == -1 ]] || fail "a new Pipeline has status.observedGeneration=$observed, not -1"

# null says something where it can take away what the defaults say
takes nulls <<'EOF'
defaults: {image: null, onFailure: null}
tasks:
- {name: a, image: null, env: null, resources: {limits: null}, pod: {spec: {priorityClassName: null}}, timeout: null,
   retry: {limit: null, backoff: {factor: null}}, onFailure: null, command: {command: [x]}}
- {name: b, retry: null, pod: null, command: {command: [x]}}
EOF
kept=$(k get pipeline nulls -o jsonpath='{.spec}' | grep -o null | wc -l)
[[ $kept == 12 ]] || fail "of 12 nulls the server kept $kept"

# the largest there can be: the cost of the rules must stay within the server's budget
{ echo "tasks:"; for i in $(seq 1000); do echo "- {name: t$i, command: {command: [x]}}"; done; } | takes large
{ echo "tasks:"; for i in $(seq 1001); do echo "- {name: t$i, command: {command: [x]}}"; done; } |
  refuses "spec.tasks: Too many: 1001: must have at most 1000 items"

refuses "exactly one of sparkSubmit, hadoopJar, hadoopStreaming, command must be set" <<<'tasks: [{name: a}]'
refuses "exactly one of sparkSubmit, hadoopJar, hadoopStreaming, command must be set" \
  <<<'tasks: [{name: a, command: {command: [x]}, hadoopJar: {jar: j}}]'
refuses "depends and dependsOn exclude each other" \
  <<<'tasks: [{name: a, command: {command: [x]}}, {name: b, depends: a, dependsOn: [a], command: {command: [x]}}]'
refuses "duplicate entries for key [name=\"a\"]" \
  <<<'tasks: [{name: a, command: {command: [x]}}, {name: a, command: {command: [y]}}]'
refuses "field not declared in schema" <<<'tasks: [{name: a, command: {command: [x]}, imag: i}]'
refuses "spec.tasks: Required value" <<<'suspend: true'
refuses "should have at least 1 items" <<<'tasks: []'
refuses "Unsupported value: \"Cluster\"" <<<'tasks: [{name: a, sparkSubmit: {application: a, deployMode: Cluster}}]'
refuses "sparkSubmit.application in body should match" <<<'tasks: [{name: a, sparkSubmit: {application: --kill}}]'
refuses "spec.tasks[0].name in body should match" <<<'tasks: [{name: A_b, command: {command: [x]}}]'
refuses "spec.tasks[0].timeout in body should match" <<<'tasks: [{name: a, timeout: 5 min, command: {command: [x]}}]'
refuses "spec.tasks[0].onFailure in body should match" <<<'tasks: [{name: a, onFailure: Stop, command: {command: [x]}}]'
refuses "retry.limit in body should be less than or equal to 100" \
  <<<'tasks: [{name: a, retry: {limit: 101}, command: {command: [x]}}]'

# status is a subresource, and holds to its own rules
status() { k patch pipeline all --subresource=status --type=merge -p "$1" 2>&1 || true; }
said=$(status '{"status":{"phase":"Running","finishedAt":"2026-11-20T10:00:00Z"}}')
[[ $said == *"finishedAt belongs to a run that has ended"* ]] || fail "finishedAt of a running run: $said"
said=$(status '{"status":{"phase":"Dancing"}}')
[[ $said == *'Unsupported value: "Dancing"'* ]] || fail "a phase that is none: $said"
status '{"status":{"phase":"Running","progress":"1/4","running":"spark,jar","startedAt":"2026-11-20T10:00:00Z",
  "message":"all is well","tasks":[{"name":"spark","phase":"Running","attempt":1,"trackingURL":"http://h:4040"}]}}' >/dev/null
k patch pipeline all --type=merge -p '{"status":{"progress":"4/4"}}' >/dev/null
row=$(k get pl all --no-headers)
[[ $row =~ ^all\ +Running\ +1/4\ +spark,jar\ +[0-9]+s ]] || fail "columns: $row"
wide=$(k get weir all -o wide --no-headers)
[[ $wide == *"all is well"* ]] || fail "wide columns: $wide"

# every field is described
for field in spec.tasks.sparkSubmit.driver.memory spec.defaults.retry.backoff.factor status.tasks.attempts.podUID status.counts; do
  k explain "pipelines.$field" | grep -A2 '^DESCRIPTION' | grep -q '[a-z]' || fail "$field is not described"
done
((failures == 0))
