# What the test cluster is made of, fetched and built once into the cache: Kubernetes, helm, CoreDNS, Spark, Hadoop.
# Sourced by hack/setup. Each step is skipped when the stamp of its inputs is there.
# shellcheck shell=bash

SPARK_VERSION=4.1.4
GO_TOOLCHAIN=v0.0.1-go1.24.11.linux-$(dpkg --print-architecture)
BIN=$CACHE/bin

stamped() { [[ $(cat "$CACHE/stamps/$1" 2>/dev/null) == "$2" ]]; }
stamp() { mkdir -p "$CACHE/stamps"; echo "$2" >"$CACHE/stamps/$1"; }

# go_command: prints a go of at least 1.24. Debian 13 has it; Debian 12's 1.19 cannot switch by itself, but it can
# download the toolchain, which is a module like any other.
go_command() {
  local minor
  command -v go >/dev/null || install_packages golang-go
  minor=$(go env GOVERSION | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
  if ((${minor:-0} >= 24)); then command -v go; return; fi
  say "fetching Go (${GO_TOOLCHAIN#*-go}) through the module proxy"
  local dir
  dir=$(cd / && go mod download -json "golang.org/toolchain@$GO_TOOLCHAIN" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  [[ -x $dir/bin/go ]] || chmod -R u+w,a+x "$dir/bin" "$dir/pkg/tool"
  echo "$dir/bin/go"
}

# go_build NAME PACKAGE TIME: into $BIN, from the pinned module in k8s/
go_build() {
  local key go version flags=-s package
  key=$(hash_of "$ROOT/tests/cluster/k8s" "$ROOT/tests/cluster/tools.sh")
  if [[ -x $BIN/$1 ]] && stamped "$1" "$key"; then return; fi
  go=$(go_command)
  say "building $1 (cold: about $3 on 2 cores)"
  # what Kubernetes' own build writes in; without it helm takes the cluster for version 0.0.0
  version=$(sed -n 's|^[[:space:]]k8s.io/kubernetes v||p' "$ROOT/tests/cluster/k8s/go.mod")
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    flags+=" -X $package.gitVersion=v$version -X $package.gitMajor=${version%%.*} -X $package.gitMinor=$(cut -d. -f2 <<<"$version")"
  done
  mkdir -p "$BIN"
  (cd "$ROOT/tests/cluster/k8s" && nice "$go" build -buildvcs=false -ldflags="$flags" -o "$BIN/$1.new" "$2")
  mv "$BIN/$1.new" "$BIN/$1" # a running cluster keeps the old file
  stamp "$1" "$key"
}

setup_testcluster() { go_build testcluster . "8 minutes"; }
setup_helm() { go_build helm helm.sh/helm/v3/cmd/helm "1 minute"; }
setup_coredns() { go_build coredns github.com/coredns/coredns "3 minutes"; }

# Spark: pyspark's source package on PyPI is a whole distribution; nothing of it is installed, only unpacked
setup_spark() {
  if [[ -d $CACHE/spark/jars ]] && stamped spark "$SPARK_VERSION"; then return; fi
  say "fetching Spark $SPARK_VERSION (430 MB)"
  local work=$CACHE/spark.new
  rm -rf "$work"; mkdir -p "$work"
  [[ -x $CACHE/venv/bin/pip ]] || python3 -m venv "$CACHE/venv"
  "$CACHE/venv/bin/pip" download --quiet --no-deps --no-binary :all: --no-cache-dir --dest "$work" "pyspark==$SPARK_VERSION"
  tar --no-same-owner -xzf "$work"/pyspark-*.tar.gz -C "$work" --strip-components=1
  rm -rf "$CACHE/spark"
  # laid out as in the binary distribution, which Spark's scripts and YARN expect
  mkdir -p "$CACHE/spark/python/lib"
  mv "$work"/deps/{bin,sbin,jars,licenses,examples} "$CACHE/spark/"
  mv "$work"/lib/*.zip "$CACHE/spark/python/lib/"
  mv "$work/pyspark" "$CACHE/spark/python/"
  rm -rf "$work"
  stamp spark "$SPARK_VERSION"
}

# Hadoop: every jar that the daemons and the clients need, and the little main class that runs three daemons in one JVM
setup_hadoop() {
  local key dir=$CACHE/hadoop
  key=$(hash_of "$ROOT/tests/cluster/hadoop")
  if [[ -d $dir/lib ]] && stamped hadoop "$key"; then return; fi
  say "fetching Hadoop from Maven Central"
  rm -rf "$dir"; mkdir -p "$dir"
  cp "$ROOT/tests/cluster/hadoop/pom.xml" "$dir/"
  mvn --quiet --batch-mode -f "$dir/pom.xml" package
  javac --release 17 -cp "$dir/lib/*" -d "$dir/classes" "$ROOT/tests/cluster/hadoop/AllInOne.java"
  stamp hadoop "$key"
}
