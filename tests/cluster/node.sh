# A real single-node Kubernetes in one network namespace: etcd, control plane, kubelet, kube-proxy, CoreDNS, containerd.
# Sourced by hack/cluster. Everything it makes is under $DIR, in the namespace, in the cgroup $NS, or on the one veth pair.
# shellcheck shell=bash

NS=weir HOST_IP=198.18.0.1 NODE_IP=198.18.0.2 PODS=198.51.100.0/24 SERVICES=10.96.0.0/16
COMPONENTS=(kubelet kube-proxy scheduler controller-manager coredns apiserver etcd containerd) # in the order of stopping

# start NAME COMMAND...: nsenter, not 'ip netns exec', which remounts /sys and hides the cgroups; it execs, so $! is the
# component itself. Its start time is kept too: a pid alone may be somebody else's by now.
start() {
  local name=$1; shift
  setsid nsenter --net=/run/netns/$NS "$@" </dev/null >"$DIR/log/$name.log" 2>&1 {LOCK_FD}>&- &
  echo "$! $(start_time $!)" >"$DIR/$name.pid"
}
start_time() { # a zombie counts as gone: who reaps it, and when, is not our business
  local stat
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
  read -ra stat <<<"${stat##*) }"
  [[ ${stat[0]} == Z ]] || echo "${stat[19]}"
}

# running NAME: prints the pid when the component that we started is alive
running() {
  local pid since
  read -r pid since 2>/dev/null <"$DIR/$1.pid" && [[ -n $since && $(start_time "$pid") == "$since" ]] && echo "$pid"
}

stop() { # NAME SIGNAL, and wait: one that starts while the old one closes finds its port or mount taken
  local pid
  pid=$(running "$1") || { rm -f "$DIR/$1.pid"; return 0; }
  kill "-$2" "$pid" || true
  for _ in $(seq 100); do running "$1" >/dev/null || break; sleep 0.1; done
  running "$1" >/dev/null && kill -KILL "$pid"
  rm -f "$DIR/$1.pid"
}

# need_kernel: says in one sentence what is missing
need_kernel() {
  local dir
  unshare --net true 2>/dev/null || die "the test cluster needs network namespaces, which this kernel or container does not allow"
  unshare --mount true 2>/dev/null || die "the test cluster needs mounts, which this kernel or container does not allow"
  unshare --net nft add table ip weir 2>/dev/null || die "the test cluster needs nftables, which this kernel does not have"
  unshare --net iptables -t nat -L -n >/dev/null 2>&1 || die "the test cluster needs iptables NAT, which this kernel does not have"
  dir=$(cgroup_dirs | head -n1)
  mkdir -p "$dir" 2>/dev/null || die "the test cluster needs cgroups, which this machine or container does not let it make"
}

make_network() {
  ip netns add $NS
  ip link add weir-host type veth peer name eth0 netns $NS
  ip addr add $HOST_IP/30 dev weir-host
  ip link set weir-host up
  ip -n $NS link set lo up
  ip -n $NS addr add $NODE_IP/30 dev eth0
  ip -n $NS link set eth0 up
  ip -n $NS route add default via $HOST_IP
  nsenter --net=/run/netns/$NS sysctl -qw net.ipv4.ip_forward=1
  # so that tests on the host can talk to pods and Services
  ip route add $PODS via $NODE_IP
  ip route add $SERVICES via $NODE_IP
}

cgroup_dirs() { # of our own root cgroup, which must be there in every hierarchy before the kubelet starts
  if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then echo /sys/fs/cgroup/$NS; return; fi
  awk '$3 ~ /^cgroup/ { print $2 "/'$NS'" }' /proc/self/mounts
}

make_cgroups() {
  local dir controller
  if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
    for controller in cpuset cpu io memory hugetlb pids; do
      echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true
    done
  fi
  for dir in $(cgroup_dirs); do
    mkdir -p "$dir"
    # cgroup v1: a new cpuset has no cpus and takes no process
    if [[ -e $dir/cpuset.mems ]]; then cat "${dir%/*}/cpuset.cpus" >"$dir/cpuset.cpus"; cat "${dir%/*}/cpuset.mems" >"$dir/cpuset.mems"; fi
  done
}

write_config() {
  mkdir -p "$DIR"/{log,cni,ctd}
  openssl genrsa -out "$DIR/sa.key" 2048 2>/dev/null
  openssl rsa -in "$DIR/sa.key" -pubout -out "$DIR/sa.pub" 2>/dev/null
  TOKEN=$(openssl rand -hex 16)
  (umask 077; echo "$TOKEN,admin,admin,\"system:masters\"" >"$DIR/tokens.csv")
  local file
  for file in "$ROOT"/tests/cluster/conf/*; do
    sed -e "s|@DIR@|$DIR|g; s|@NODE_IP@|$NODE_IP|g; s|@PODS@|$PODS|g; s|@NS@|$NS|g; s|@SNAPSHOTTER@|$(snapshotter)|g" "$file" >"$DIR/${file##*/}"
  done
  mv "$DIR/10-bridge.conflist" "$DIR/cni/"
}

snapshotter() { if overlay_works "$DIR"; then echo overlayfs; else echo native; fi; }

start_containerd() {
  start containerd containerd -c "$DIR/containerd.toml"
  for _ in $(seq 100); do "${CTR[@]}" version >/dev/null 2>&1 && return; sleep 0.1; done
  die "containerd does not answer: see $DIR/log/containerd.log"
}

start_control_plane() {
  local testcluster=$BIN/testcluster
  start etcd "$testcluster" etcd --data-dir "$DIR/etcd" --unsafe-no-fsync --listen-client-urls http://127.0.0.1:2379 \
    --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380 \
    --initial-advertise-peer-urls http://127.0.0.1:2380 --initial-cluster default=http://127.0.0.1:2380
  start apiserver "$testcluster" kube-apiserver --etcd-servers=http://127.0.0.1:2379 --secure-port=6443 --bind-address=$NODE_IP \
    --advertise-address=$NODE_IP --cert-dir="$DIR/certs" --service-account-key-file="$DIR/sa.pub" \
    --service-account-signing-key-file="$DIR/sa.key" --service-account-issuer=https://kubernetes.default.svc \
    --service-cluster-ip-range=$SERVICES --token-auth-file="$DIR/tokens.csv" --authorization-mode=Node,RBAC \
    --allow-privileged=true --kubelet-preferred-address-types=InternalIP
  # the API server makes its own certificate, so the kubeconfig can only be written after that
  for _ in $(seq 300); do [[ -s $DIR/certs/apiserver.crt ]] && break; sleep 0.1; done
  write_kubeconfig "$DIR/kubeconfig" "https://$NODE_IP:6443" "$DIR/certs/apiserver.crt" "token: $TOKEN"
  for _ in $(seq 300); do kubectl get --raw /readyz >/dev/null 2>&1 && break; sleep 0.1; done
  start controller-manager "$testcluster" kube-controller-manager --kubeconfig="$KUBECONFIG" --leader-elect=false \
    --service-account-private-key-file="$DIR/sa.key" --use-service-account-credentials=true \
    --root-ca-file="$DIR/certs/apiserver.crt" --bind-address=127.0.0.1 --kube-api-qps=200 --kube-api-burst=400
  start scheduler "$testcluster" kube-scheduler --kubeconfig="$KUBECONFIG" --leader-elect=false --bind-address=127.0.0.1 \
    --kube-api-qps=200 --kube-api-burst=400
}

start_node() {
  start kubelet "$BIN/testcluster" kubelet --kubeconfig="$KUBECONFIG" --config="$DIR/kubelet.yaml" --root-dir="$DIR/kubelet" \
    --hostname-override=node1 --node-ip=$NODE_IP
  start kube-proxy "$BIN/testcluster" kube-proxy --kubeconfig="$KUBECONFIG" --proxy-mode=nftables --hostname-override=node1 \
    --cluster-cidr=$PODS --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
  start coredns "$BIN/coredns" -conf "$DIR/Corefile"
  kubectl wait --for=create node/node1 --timeout=60s >/dev/null
  kubectl wait --for=condition=Ready node/node1 --timeout=90s >/dev/null
  kubectl wait --for=create serviceaccount/default --timeout=30s >/dev/null # pods of the first second need it
}

healthy() {
  local component
  for component in "${COMPONENTS[@]}"; do running "$component" >/dev/null || return 1; done
  kubectl get --raw /readyz >/dev/null 2>&1 &&
    [[ $(kubectl get node node1 -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null) == True ]]
}

remove_containers() {
  [[ -e $DIR/containerd.pid ]] || return 0
  if ! running containerd >/dev/null; then # crashed: a fresh one finds what the old one left
    mkdir -p "$DIR/log"
    [[ -e /run/netns/$NS ]] || ip netns add $NS
    start_containerd
  fi
  local id
  for id in $("${CTR[@]}" task ls -q); do "${CTR[@]}" task kill -s KILL -a "$id" 2>/dev/null || true; done
  for id in $("${CTR[@]}" container ls -q); do
    for _ in $(seq 50); do
      "${CTR[@]}" task rm -f "$id" >/dev/null 2>&1 || true
      [[ " $("${CTR[@]}" task ls -q | tr '\n' ' ')" == *" $id "* ]] || break
      sleep 0.1
    done
    "${CTR[@]}" container rm "$id" || true
    rm -f /var/lib/cni/results/*-"$id"-*
  done
}

# node_down: also cleans up after a crash or a reboot. Only the image store ($DIR/ctd/root) is kept, as a cache.
node_down() {
  local name dir mount
  stop kubelet TERM
  remove_containers
  for name in "${COMPONENTS[@]}"; do
    case $name in
    containerd) stop "$name" TERM ;;
    *) stop "$name" KILL ;; # etcd and the API server may take 10 s and more to say goodbye; their data is thrown away
    esac
  done
  { grep -o " $DIR/[^ ]*" /proc/self/mounts || true; } | sort -r | while read -r mount; do umount "$mount" 2>/dev/null || umount -l "$mount"; done
  for dir in $(cgroup_dirs); do [[ ! -d $dir ]] || find "$dir" -depth -type d -exec rmdir {} + 2>/dev/null || true; done
  ip link del weir-host 2>/dev/null || true
  ip netns del $NS 2>/dev/null || true
  rm -rf "$DIR"/{kubelet,etcd,certs,cni-state,cni,ctd/state,log,kubeconfig,tokens.csv,sa.key,sa.pub,weir.pid}
}

node_up() {
  write_config
  make_network
  make_cgroups
  start_containerd
  start_control_plane
  start_node
}
