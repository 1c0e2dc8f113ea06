#!/bin/bash
# Runs a test with a network, process ids and a host name of its own: Hadoop's ports are free, and nothing of it outlives the test.
# Skips (77) where that cannot be, or hack/setup has not been run. usage: alone.sh PROGRAM [ARG…]
set -euo pipefail
cache=${WEIR_CACHE:-$HOME/.cache/weir}
skip() { echo "skipped: $1" >&2; exit 77; }
PATH=$PATH:/usr/sbin:/sbin
for program in krb5kdc kadmin.local kinit javac curl openssl ip; do command -v $program >/dev/null || skip "no $program (hack/setup hadoop)"; done
[[ -d $cache/hadoop/lib && -d $cache/spark/jars ]] || skip "no Hadoop and Spark in $cache (hack/setup hadoop)"
alone=(unshare --net --uts --pid --mount-proc --fork --kill-child)
((EUID == 0)) || alone+=(--user --map-root-user)
"${alone[@]}" true 2>/dev/null || skip "no namespaces here"
# the shell stays: it is process 1, and waits for what nobody else does
# shellcheck disable=SC2016
exec "${alone[@]}" bash -c 'ip link set lo up && hostname localhost && "$@"; exit $?' - "$@"
