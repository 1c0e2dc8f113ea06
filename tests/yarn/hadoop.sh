#!/bin/bash
# A Hadoop cluster with Kerberos on 127.0.0.1: a KDC, HDFS, a ResourceManager, a NodeManager, each a process that can be ended and
# started anew. Needs no root. All files are below DIR; the ports are Hadoop's own, so alone.sh gives each test a network.
# usage: hadoop.sh make | conf [VARIANT…] | start [kdc|hdfs|rm|nm]… | wait [hdfs|rm|nm]… | stop [NAME]… | kill NAME
#   make: programs, certificates, the KDC's database; conf: the configuration, for clients too
#   VARIANTs (conf/variants): https; recovery; plain (web without SPNEGO); simple (no Kerberos, web with user.name=), anonymous
# Variables: DIR; WEIR_CACHE (where hack/setup has put Hadoop and Spark); TICKET_SKEW (seconds that a ticket outlives its end: 300)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${DIR:?where the state goes}"
CACHE=${WEIR_CACHE:-$HOME/.cache/weir} HADOOP=${WEIR_CACHE:-$HOME/.cache/weir}/hadoop/lib REALM=WEIR.TEST KDC_PORT=18888
JAVA_HOME=${JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")}
PATH=$PATH:/usr/sbin:/sbin
export JAVA_HOME KRB5_CONFIG=$DIR/krb5.conf KRB5_KDC_PROFILE=$DIR/kdc.conf
DAEMON=(-XX:-UsePerfData -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=48m -Xss512k -XX:MaxMetaspaceSize=128m
  --add-opens=java.base/java.lang=ALL-UNNAMED -Djava.security.krb5.conf="$DIR/krb5.conf" -Djava.io.tmpdir="$DIR/tmp"
  -Dhadoop.log.dir="$DIR/logs" -cp "$DIR/conf:$DIR/programs/classes:$HADOOP/*")

make_programs() {
  local key kept
  key=$(cat "$here"/java/*.java "$here"/java/*/*.java "$here"/java/org/apache/hadoop/io/*.java "$CACHE"/stamps/{hadoop,spark} | sha256sum | cut -c1-16)
  kept=$CACHE/yarn-test-programs/$key
  if [[ ! -d $kept ]]; then
    javac -nowarn -cp "$HADOOP/*" -d "$DIR/programs/classes" "$here"/java/*.java "$here"/java/org/apache/hadoop/io/*.java
    javac -nowarn -cp "$CACHE/spark/jars/*" -d "$DIR/programs/spark" "$here"/java/spark/*.java
    jar --create --file "$DIR/programs/spark-app.jar" -C "$DIR/programs/spark" .
    # the jar of a user's job, and only that: the stub is for the NodeManager alone
    (cd "$DIR/programs/classes" && jar --create --file ../job.jar Job*.class)
    rm -rf "$CACHE/yarn-test-programs"
    mkdir -p "$CACHE/yarn-test-programs"
    cp -r "$DIR/programs" "$kept"
  fi
  rm -rf "$DIR/programs"
  cp -r "$kept" "$DIR/programs"
}

make_certificates() {
  cd "$DIR/tls"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -days 2 -subj "/CN=test CA" 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj "/CN=localhost" 2>/dev/null
  openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out server.crt \
    -extfile <(echo subjectAltName=DNS:localhost) 2>/dev/null
  openssl pkcs12 -export -in server.crt -inkey server.key -certfile ca.crt -name server -passout pass:changeit -out server.p12
  keytool -importcert -noprompt -alias ca -file ca.crt -keystore trust.p12 -storetype pkcs12 -storepass changeit 2>/dev/null
}

make_realm() {
  cat >"$DIR/krb5.conf" <<-Y
	[libdefaults]
	  default_realm = $REALM
	  dns_lookup_kdc = false
	  dns_lookup_realm = false
	  dns_canonicalize_hostname = false
	  rdns = false
	  udp_preference_limit = 1
	  forwardable = true
	  clockskew = ${TICKET_SKEW:-300}
	[realms]
	  $REALM = {
	    kdc = 127.0.0.1:$KDC_PORT
	  }
	[domain_realm]
	  localhost = $REALM
	Y
  cat >"$DIR/kdc.conf" <<-Y
	[kdcdefaults]
	  kdc_listen = 127.0.0.1:$KDC_PORT
	  kdc_tcp_listen = 127.0.0.1:$KDC_PORT
	[realms]
	  $REALM = {
	    database_name = $DIR/kdc/principal
	    key_stash_file = $DIR/kdc/stash
	    acl_file = $DIR/kdc/acl
	    max_life = 24h
	    max_renewable_life = 7d
	    supported_enctypes = aes256-cts-hmac-sha1-96:normal
	    default_principal_flags = +renewable, +forwardable
	  }
	[logging]
	  kdc = FILE:$DIR/logs/kdc.log
	Y
  kdb5_util -r "$REALM" create -s -P master -W >/dev/null
  # one process for all: each kadmin.local costs a start; -p: a uid without a passwd entry has no name
  kadmin.local -p admin -r "$REALM" >/dev/null 2>"$DIR/logs/kadmin.log" <<-Y
	addprinc -randkey hadoop/localhost
	addprinc -randkey HTTP/localhost
	addprinc -randkey alice
	addprinc -randkey bob
	addprinc -randkey -maxlife "60 sec" -allow_renewable carol
	addprinc -randkey -maxlife "16 sec" -allow_renewable dave
	ktadd -q -k $DIR/service.keytab hadoop/localhost HTTP/localhost
	ktadd -q -k $DIR/alice.keytab alice
	ktadd -q -k $DIR/bob.keytab bob
	ktadd -q -k $DIR/carol.keytab carol
	ktadd -q -k $DIR/dave.keytab dave
	Y
  (umask 077; head -c 32 /dev/urandom | base64 >"$DIR/http-secret")
}

make() {
  mkdir -p "$DIR"/{run,logs,tmp,conf,data,kdc,tls,spark-conf}
  make_programs
  make_realm
  (make_certificates)
  sed "s|/opt/spark|$CACHE/spark|" "$here/../cluster/images/example/spark-conf/spark-defaults.conf" >"$DIR/spark-conf/spark-defaults.conf"
}

conf() { # VARIANT…
  local file variant
  rm -rf "$DIR/conf"
  mkdir -p "$DIR"/conf/webapps/{hdfs,datanode}
  for file in "$here"/conf/*.*; do
    { grep -v '^</configuration>' "$file"
      for variant; do cat "$here/conf/variants/${file##*/}.$variant" 2>/dev/null || true; done
      case $file in *.xml) echo '</configuration>' ;; esac
    } | sed "s|@HOST@|localhost|g; s|@DIR@|$DIR|g; s|@HADOOP@|$HADOOP|g; s|@REALM@|$REALM|g" >"$DIR/conf/${file##*/}"
  done
}

daemon() { # NAME PROGRAM ARG…
  local name=$1
  shift
  cd "$DIR"
  setsid "$@" >"logs/$name.out" 2>"logs/$name.log" </dev/null &
  echo $! >"$DIR/run/$name.pid"
}

start() {
  local name
  for name in ${*:-kdc hdfs rm nm}; do case $name in
    kdc)
      daemon kdc krb5kdc -n -r "$REALM" -P "$DIR/run/kdc.own"
      for _ in {1..200}; do (: <"/dev/tcp/127.0.0.1/$KDC_PORT") 2>/dev/null && break; sleep 0.05; done
      ;;
    hdfs) daemon hdfs "$JAVA_HOME/bin/java" -Xmx192m "${DAEMON[@]}" Hdfs ;;
    rm) daemon rm "$JAVA_HOME/bin/java" -Xmx192m "${DAEMON[@]}" org.apache.hadoop.yarn.server.resourcemanager.ResourceManager ;;
    nm) daemon nm "$JAVA_HOME/bin/java" -Xmx160m "${DAEMON[@]}" org.apache.hadoop.yarn.server.nodemanager.NodeManager ;;
    *) echo "start: no daemon is called $name" >&2; return 2 ;;
  esac; done
}

# By their own logs, since the web addresses want a ticket: a live DataNode, a ResourceManager in charge, an active NodeManager.
ready() {
  case $1 in
  hdfs) grep -qs 'Adding new storage ID' "$DIR/logs/hdfs.log" ;;
  rm) grep -qs 'Transitioned to active state' "$DIR/logs/rm.log" ;;
  nm) grep -qs 'Node Transitioned from NEW to RUNNING' "$DIR/logs/rm.log" ;;
  esac
}
wait_for() {
  local name
  for name in ${*:-hdfs rm nm}; do
    for _ in {1..900}; do ready "$name" && continue 2; sleep 0.1; done
    echo "wait: $name does not come up" >&2
    tail -n 20 "$DIR/logs/$name.log" >&2
    return 1
  done
}

stop() {
  local name pid
  for name in ${*:-nm rm hdfs kdc}; do
    [[ -e $DIR/run/$name.pid ]] || continue
    pid=$(<"$DIR/run/$name.pid")
    rm "$DIR/run/$name.pid"
    kill "$pid" 2>/dev/null || true
    for _ in {1..150}; do kill -0 "$pid" 2>/dev/null || continue 2; sleep 0.1; done
    kill -9 "$pid" 2>/dev/null || true
  done
}

crash() {
  kill -9 "$(<"$DIR/run/$1.pid")"
  rm -f "$DIR/run/$1.pid"
}

command=${1:-}
shift || true
case $command in
make | conf | start | stop) "$command" "$@" ;;
wait) wait_for "$@" ;;
kill) crash "$@" ;;
*) sed -n '4,7s/^# //p' "$0" >&2; exit 2 ;;
esac
