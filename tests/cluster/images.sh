# Images without a registry: Debian by debootstrap, everything else by buildah, then straight into the node's containerd.
# Sourced by hack/setup, hack/image and hack/cluster.
# shellcheck shell=bash

IMAGES=$CACHE/images PAUSE_IMAGE=docker.io/local/pause:1 EXAMPLE_IMAGE=docker.io/library/weir-example:dev

# bh ARGS…: buildah with a store of its own; vfs (slow, but works everywhere) where overlay does not
bh() {
  mkdir -p "$IMAGES"
  [[ -e $IMAGES/driver ]] || { if overlay_works "$IMAGES"; then echo overlay; else echo vfs; fi >"$IMAGES/driver"; }
  STORAGE_DRIVER=$(<"$IMAGES/driver") BUILDAH_ISOLATION=chroot buildah --root "$IMAGES/root" --runroot "$IMAGES/run" "$@"
}

have_image() { bh inspect --type image "$1" >/dev/null 2>&1; }
image_id() { bh inspect --type image --format '{{.FromImageID}}' "$1"; }

# base_image SUITE: docker.io/library/debian:SUITE-slim
base_image() {
  local image=docker.io/library/debian:$1-slim container dir mirror
  ! have_image "$image" || return 0
  say "making $image by debootstrap (1 minute)"
  mirror=$(debian_mirror)
  container=$(bh from scratch)
  dir=$(bh mount "$container")
  debootstrap --variant=minbase "$1" "$dir" "$mirror" >"$IMAGES/debootstrap.log" 2>&1 || die "debootstrap failed: see $IMAGES/debootstrap.log"
  # slim like the official image: no manuals, no documentation but the licences
  printf 'path-exclude %s\n' '/usr/share/doc/*' '/usr/share/man/*' '/usr/share/locale/*' '/usr/share/info/*' >"$dir/etc/dpkg/dpkg.cfg.d/slim"
  echo 'path-include /usr/share/doc/*/copyright' >>"$dir/etc/dpkg/dpkg.cfg.d/slim"
  find "$dir/usr/share/doc" "$dir/usr/share/man" "$dir/usr/share/locale" "$dir/usr/share/info" -type f ! -name copyright -delete
  rm -rf "$dir"/var/cache/apt/*.bin "$dir"/var/cache/apt/archives/*.deb "$dir"/var/lib/apt/lists/* "$dir"/var/log/*.log "$dir/etc/apt/sources.list"
  : >"$dir/etc/resolv.conf"; : >"$dir/etc/hostname"
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$mirror" "$1 $1-updates" \
    /usr/share/keyrings/debian-archive-keyring.gpg >"$dir/etc/apt/sources.list.d/debian.sources"
  bh umount "$container" >/dev/null
  bh config --cmd bash --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  bh commit --quiet --rm "$container" "$image" >/dev/null
}

# build_image IMAGE FILE CONTEXT [OPTION…]: buildah bud, with this machine's way to the Debian mirror (proxies, certificates)
build_image() {
  local image=$1 file=$2 context=$3
  shift 3
  mkdir -p "$IMAGES/host"
  apt-config dump Acquire | grep -E '^Acquire::(http|https|Check|Retries)' >"$IMAGES/host/apt.conf" || true
  echo 'Acquire::https::CAInfo "/etc/apt/host/ca.crt";' >>"$IMAGES/host/apt.conf"
  cp /etc/ssl/certs/ca-certificates.crt "$IMAGES/host/ca.crt"
  bh bud --quiet --pull=never --volume "$IMAGES/host:/etc/apt/host:ro" --volume "$IMAGES/host/apt.conf:/etc/apt/apt.conf.d/99host:ro" \
    --tag "$image" --file "$file" "$@" "$context" >/dev/null
}

# with_image IMAGE COMMAND…: COMMAND with the directory of the image's files as last argument
with_image() {
  local container dir status=0
  container=$(bh from --pull-never "$1")
  dir=$(bh mount "$container")
  "${@:2}" "$dir" || status=$?
  bh umount "$container" >/dev/null
  bh rm "$container" >/dev/null
  return $status
}

# prune_images: what no name leads to any more; something in use stays until the next time
prune_images() { bh rmi --prune >/dev/null 2>&1 || true; }

# pause: the process that holds a pod's namespaces
pause_image() {
  local key dir=$ROOT/tests/cluster/images/pause
  key=$(hash_of "$dir")
  if stamped pause "$key" && have_image "$PAUSE_IMAGE"; then return; fi
  say "building $PAUSE_IMAGE"
  mkdir -p "$IMAGES/pause"
  cc -Os -static -s -o "$IMAGES/pause/pause" "$dir/pause.c"
  build_image "$PAUSE_IMAGE" "$dir/Containerfile" "$IMAGES/pause"
  stamp pause "$key"
}

# example: what a user's task image is: Java, Python, Spark and Hadoop clients; also runs the Hadoop daemons of the tests
example_image() {
  local key dir=$ROOT/tests/cluster/images/example
  key=$(hash_of "$dir" "$CACHE/stamps/spark" "$CACHE/stamps/hadoop")
  if stamped example "$key" && have_image "$EXAMPLE_IMAGE"; then return; fi
  base_image bookworm # has Java 17
  say "building $EXAMPLE_IMAGE (1 minute)"
  build_image "$EXAMPLE_IMAGE" "$dir/Containerfile" "$dir" --build-context "spark=$CACHE/spark" --build-context "hadoop=$CACHE/hadoop"
  prune_images
  stamp example "$key"
}

# load_image IMAGE: into the node, unless it is there
load_image() {
  local image=$1 id stamp file
  [[ $image == */* ]] || image=docker.io/library/$image
  have_image "$image" || die "no image $image: build it first"
  id=$(image_id "$image")
  stamp=$DIR/ctd/loaded-$(tr '/:' __ <<<"$image")
  if [[ $(cat "$stamp" 2>/dev/null) == "$id" && -n $("${CTR[@]}" image ls -q "name==$image") ]]; then return; fi
  say "loading $image into the node"
  file=$(mktemp -u "$CACHE/load.XXXXXX")
  bh push --quiet "$image" "docker-archive:$file:$image"
  "${CTR[@]}" image import --snapshotter "$(snapshotter)" "$file" >/dev/null || { rm -f "$file"; die "containerd did not take $image"; }
  rm -f "$file"
  echo "$id" >"$stamp"
  # the kubelet's own names for versions that were loaded before would keep them on the disk
  for id in $("${CTR[@]}" image ls -q | sed -n 's/^sha256://p'); do
    grep -qx "$id" "$DIR"/ctd/loaded-* || "${CTR[@]}" image rm "sha256:$id" >/dev/null
  done
}
