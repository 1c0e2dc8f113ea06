#!/bin/bash
# What weir reads from a configuration directory is what Hadoop's own JobConf reads from it, and a directory that weir has
# tagged gives Hadoop the tag, whatever the original says. usage: test_hadoop_conf.sh PROGRAM FIXTURES
# Needs Hadoop from hack/setup.
set -euo pipefail
program=$1 fixtures=$2
lib=${WEIR_CACHE:-$HOME/.cache/weir}/hadoop/lib
[[ -n $(compgen -G "$lib/hadoop-mapreduce-client-core-*.jar" || true) && -n $(command -v javac) ]] || exit 77

here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cp -r "$fixtures" "$tree/real"
javac -cp "$lib/*" -d "$tree/classes" "$here/HadoopConf.java"
unset HADOOP_CONF_DIR YARN_CONF_DIR HADOOP_USER_NAME NOT_SET
export IS_SET=set IS_EMPTY=

p() { printf '<property><name>%s</name><value>%s</value>%s</property>\n' "$1" "$2" "${3:+<final>$3</final>}"; }
site() { # DIRECTORY/STEM XML
  mkdir -p "$tree/$(dirname "$1")"
  printf '<configuration xmlns:xi="http://www.w3.org/2001/XInclude">%s</configuration>\n' "$2" >"$tree/$1-site.xml"
}
hadoop() { java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$tree/classes:$lib/*" HadoopConf "$1" 2>"$tree/java.log"; }

# --- reading ---
site order/core "$(p a core)$(p f core true)$(p yarn.http.policy HTTPS_ONLY)$(p yarn.acl.enable true)"
site order/mapred "$(p a mapred)$(p b mapred)$(p f mapred)$(p yarn.http.policy HTTPS_ONLY true)$(p g mapred true)"
site order/yarn "$(p b yarn)$(p c yarn)$(p f yarn true)$(p g yarn)"
site order/hdfs "$(p c hdfs)$(p d '${a}')$(p yarn.resourcemanager.hostname hdfs)"
site rules/core "$(p a 1)$(p a '')$(p ' n ' $'\n 1 <!-- x -->2\t')$(p m 'a<b>c</b>d')$(p f 1 ' true ')$(p f 2)
  $(p g 1)<property><name>g</name><final>true</final></property>$(p g 2)$(p h '&lt;&#65;&amp;<![CDATA[<b>]]>')
  <property name='i' value='1' final='true'/>$(p i 2)<property><value>1</value><name>j</name></property>
  <property><value>without a name</value></property><property name='k' value='attribute'><value>element</value></property>"
site variables/core "$(p a 'x${b}y${c}')$(p b 1)$(p c '${d}')$(p d 2)$(p round '${around}')$(p around '${round}')
  $(p self '${self}')$(p toself '${with}')$(p with 'x${with}')$(p none '${no}${b}')$(p late '${b}${no}')
  $(p odd '$ ${ b} {b} ${} ${$b ${b')$(p odd2 '${$${b}}')$(p odd3 '$${b} ${x ${b}')$(p java.io.tmpdir /x)
  $(p system '${java.io.tmpdir} ${user.name} ${user.home} ${file.separator} ${path.separator} ${os.name}')
  $(p e1 '${env.IS_SET}/${env.IS_SET:-x}/${env.IS_SET-x}')$(p e2 '${env.IS_EMPTY:-x}/${env.IS_EMPTY-y}/${env.IS_EMPTY}!')
  $(p e3 '${env.NOT_SET:-x}/${env.NOT_SET-y}')$(p e4 '${env.NOT_SET:-}!${env.NOT_SET-}!${env.NOT_SET}')$(p e5 '${env.}')
  $(p e6 '${env.NOT_SET:x-y}')$(p e7 '${env.NOT_SET-${b}}')$(p env. 1)$(p env.NOT_SET property)
  $(for i in {0..30}; do p "deep$i" "\${deep$((i + 1))}"; done)$(p deep31 end)"
mkdir -p "$tree/includes/sub"
printf '<configuration>%s</configuration>' "$(p a more)$(p b more)$(p f more true)" >"$tree/includes/more.xml"
printf '<configuration>%s</configuration>' "$(p inner 1)<include href='more.xml'/>" >"$tree/includes/sub/inner.xml"
site includes/core "$(p a first)$(p f first)<xi:include href='more.xml'><xi:fallback>$(p b fallback)</xi:fallback></xi:include>
  $(p b last)$(p f last)<xi:include href='$tree/includes/sub/inner.xml'/><xi:include href='file://$tree/includes/more.xml'/>
  <xi:include href='none.xml'><xi:fallback>$(p none fallback)</xi:fallback></xi:include>
  <xi:include href='none.xml'><xi:fallback/></xi:include>$(p z 1)"

"$program" values "$tree"/{order,rules,variables,includes} "$tree"/real/* >"$tree/ours"
cut -f1,2 "$tree/ours" | hadoop mapred >"$tree/theirs" || { cat "$tree/java.log"; exit 1; }
diff "$tree/ours" "$tree/theirs"
lines=$(wc -l <"$tree/theirs")
((lines > 300)) || { echo "only $lines properties were compared"; exit 1; }

# --- tagging: CASE|WANTED tags, in either order of loading ---
tags=mapreduce.job.tags
site t1/core ""
site t2/mapred "$(p $tags 'a, b')"
site t3/mapred "$(p $tags a true)"
site t4/core "$(p $tags a true)"
site t4/mapred "$(p $tags b)"
site t5/yarn "$(p $tags y)"
site t5/mapred "$(p $tags m)"
site t6/yarn "$(p $tags y true)"
site t7/hdfs "$(p $tags h true)"
site t7/mapred "<xi:include href='other.xml'/>"
printf '<configuration>%s</configuration>' "$(p $tags o)$(p other 1)" >"$tree/t7/other.xml"
site t8/core "<xi:include href='other.xml'/>"
printf '<configuration>%s</configuration>' "$(p $tags '&lt;${other}' true)$(p other 1)" >"$tree/t8/other.xml"
wanted="t1|weir.x t2|a,b,weir.x t3|a,weir.x t4|a,weir.x t5|y,weir.x t6|y,weir.x t7|h,weir.x t8|<1,weir.x"
for case in $wanted; do
  "$program" tag "$tree/${case%%|*}" weir.x "$tree/${case%%|*}.tagged"
  printf '%s\t%s\t%s\n' "$tree/${case%%|*}.tagged" $tags "${case#*|}"
done >"$tree/wanted"
for name in t7 t8; do printf '%s\tother\t1\n' "$tree/$name.tagged"; done >>"$tree/wanted"
for order in mapred hdfs; do
  cut -f1,2 "$tree/wanted" | hadoop $order >"$tree/theirs" || { cat "$tree/java.log"; exit 1; }
  diff "$tree/wanted" "$tree/theirs" || { echo "when $order is loaded first"; exit 1; }
done

# --- asking: the client is found and started, and looks for the ResourceManager that the configuration names ---
cache=${WEIR_CACHE:-$HOME/.cache/weir}
site ask/core "$(p ipc.client.connect.max.retries 0)"
site ask/yarn "$(p yarn.resourcemanager.address 127.0.0.1:9)$(p yarn.resourcemanager.connect.max-wait.ms 1000)
  $(p yarn.resourcemanager.connect.retry-interval.ms 500)"
ask() { # VARIABLE HOME
  [[ -d $2 ]] || return 0
  if env -u HADOOP_HOME -u SPARK_HOME "$1=$2" "$program" list "$tree/ask" weir.x >"$tree/said" 2>&1; then
    echo "$1=$2: nobody was there to answer"; exit 1
  fi
  grep -q 'ConnectException.* to .*:9 failed\|127.0.0.1:9 failed.*Connection refused' "$tree/said" || { cat "$tree/said"; exit 1; }
}
ask HADOOP_HOME "$cache/hadoop"
ask SPARK_HOME "$cache/spark"
