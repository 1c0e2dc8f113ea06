#!/bin/bash
# Every option that the real spark-submit, Hadoop Streaming and generic options parser name in their help has a field: the
# descriptions of the CRD begin with the option. usage: test_options.sh CRD. Needs Spark and Hadoop from hack/setup.
set -euo pipefail
cache=${WEIR_CACHE:-$HOME/.cache/weir}
crd=$1
streaming=$(compgen -G "$cache/hadoop/lib/hadoop-streaming-*.jar" || true)
[[ -x $cache/spark/bin/spark-submit && -n $streaming && -n $(command -v java) ]] || exit 77

# what our own kinds do otherwise: results and help are not for a task
not_ours="--kill --status --help --version -help -info"

documented=$(grep -ohE '(^|[ "])--?[A-Za-z][A-Za-z-]*: ' "$crd" | tr -d '": ' | sort -u)
missing=0
check() { # WHO, options on standard input
  local option count=0
  while read -r option; do
    count=$((count + 1))
    [[ " $not_ours " == *" $option "* ]] && continue
    grep -qxF -e "$option" <<<"$documented" && continue
    echo "$1 has $option, which no field names"
    missing=$((missing + 1))
  done
  ((count > 5)) || { echo "$1: its help names only $count options"; missing=$((missing + 1)); }
}

help=$(SPARK_HOME=$cache/spark "$cache/spark/bin/spark-submit" --help 2>&1 || true)
check spark-submit < <(grep -oE '^ +--[a-z-]+' <<<"$help" | tr -d ' ' | sort -u)
help=$(java -cp "$cache/hadoop/lib/*" org.apache.hadoop.util.RunJar "$streaming" -info 2>&1 || true)
check streaming < <(sed -n '/^Options:/,/^Usage tips/p' <<<"$help" | grep -oE '^ *-[A-Za-z]+' | tr -d ' ' | sort -u)
((missing == 0))
