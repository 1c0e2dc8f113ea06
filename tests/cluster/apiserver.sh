# Only etcd and the API server, on 127.0.0.1 and free ports: enough for tests of a Kubernetes client. No root, up in seconds.
# There are no controllers: service accounts are not made (nor demanded), nothing is garbage-collected, no pod runs.
# Sourced by hack/cluster.
# shellcheck shell=bash

free_ports() { # three that are free now
  python3 -c 'import socket
s = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*[x.getsockname()[1] for x in s])'
}

apiserver_up() {
  local DIR=$1 client peer secure token log
  [[ -x $BIN/testcluster ]] || die "run hack/setup apiserver (or cluster) first"
  if running apiserver >/dev/null && running etcd >/dev/null; then say "API server: up already"; return; fi
  apiserver_down "$DIR"
  mkdir -p "$DIR/log"
  read -r client peer secure < <(free_ports)
  token=$(openssl rand -hex 16)
  (umask 077; echo "$token,admin,admin,\"system:masters\"" >"$DIR/tokens.csv")
  openssl ecparam -name prime256v1 -genkey -noout -out "$DIR/sa.key"
  openssl ec -in "$DIR/sa.key" -pubout -out "$DIR/sa.pub" 2>/dev/null
  make_client_certificate "$DIR"
  spawn etcd "$BIN/testcluster" etcd --data-dir "$DIR/etcd" --unsafe-no-fsync --listen-client-urls "http://127.0.0.1:$client" \
    --advertise-client-urls "http://127.0.0.1:$client" --listen-peer-urls "http://127.0.0.1:$peer" \
    --initial-advertise-peer-urls "http://127.0.0.1:$peer" --initial-cluster "default=http://127.0.0.1:$peer"
  spawn apiserver "$BIN/testcluster" kube-apiserver --etcd-servers="http://127.0.0.1:$client" --secure-port="$secure" \
    --bind-address=127.0.0.1 --cert-dir="$DIR/certs" --service-account-key-file="$DIR/sa.pub" \
    --service-account-signing-key-file="$DIR/sa.key" --service-account-issuer=https://kubernetes.default.svc \
    --service-cluster-ip-range=10.96.0.0/16 --token-auth-file="$DIR/tokens.csv" --client-ca-file="$DIR/client-ca.crt" \
    --authorization-mode=RBAC --disable-admission-plugins=ServiceAccount --endpoint-reconciler-type=none
  for _ in $(seq 300); do [[ -s $DIR/certs/apiserver.crt ]] && break; sleep 0.1; done
  write_kubeconfig "$DIR/kubeconfig" "https://127.0.0.1:$secure" "$DIR/certs/apiserver.crt" "token: $token"
  write_kubeconfig "$DIR/kubeconfig-cert" "https://127.0.0.1:$secure" "$DIR/certs/apiserver.crt" \
    "client-certificate-data: $(base64 -w0 "$DIR/client.crt"), client-key-data: $(base64 -w0 "$DIR/client.key")"
  for _ in $(seq 300); do
    if KUBECONFIG=$DIR/kubeconfig kubectl get namespace default >/dev/null 2>&1; then say "API server: up; export KUBECONFIG=$DIR/kubeconfig"; return; fi
    running apiserver >/dev/null || break
    sleep 0.1
  done
  log=$(tail -n3 "$DIR/log/apiserver.log")
  apiserver_down "$DIR"
  die "the API server did not come up: $log"
}

apiserver_down() { # data is thrown away, so there is nothing to say goodbye for
  local DIR=$1
  stop apiserver KILL
  stop etcd KILL
  rm -rf "$DIR"/{etcd,certs,log,tokens.csv,sa.key,sa.pub,client*,kubeconfig,kubeconfig-cert}
}

spawn() { # NAME COMMAND…: like start, without the network namespace
  local name=$1
  shift
  setsid "$@" </dev/null >"$DIR/log/$name.log" 2>&1 &
  echo "$! $(start_time $!)" >"$DIR/$name.pid"
}

make_client_certificate() {
  local dir=$1 curve=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
  openssl req -x509 "${curve[@]}" -keyout "$dir/client-ca.key" -out "$dir/client-ca.crt" -days 3650 -subj /CN=weir-test-ca 2>/dev/null
  openssl req "${curve[@]}" -keyout "$dir/client.key" -out "$dir/client.csr" -subj /O=system:masters/CN=admin-cert 2>/dev/null
  openssl x509 -req -in "$dir/client.csr" -CA "$dir/client-ca.crt" -CAkey "$dir/client-ca.key" -CAcreateserial \
    -days 3650 -out "$dir/client.crt" 2>/dev/null
}
