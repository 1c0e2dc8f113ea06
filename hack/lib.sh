# Common bits of the scripts in hack/ and tests/cluster/: sourced, never run.
# shellcheck shell=bash

# shellcheck disable=SC2034 # used by those who source this
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${WEIR_CACHE:-$HOME/.cache/weir}

SAID=3 # exit code of a script that has said why: those who called it need not say so again
say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit $SAID; }
need_root() { [[ $EUID == 0 ]] || die "$1 needs root"; }

# nothing fails silently
set -E
trap '(($? == SAID)) || say "${0##*/}: failed: $BASH_COMMAND (${BASH_SOURCE[0]##*/}:$LINENO)"' ERR

# hash_of PATH...: one short hash of the contents and names of files and directories, for stamps; wherever the checkout is
hash_of() { find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sed "s|  $ROOT/|  |" | sha256sum | cut -c1-16; }

missing_packages() {
  local package
  for package; do
    [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) == ii* ]] || printf '%s ' "$package"
  done
}

# install_packages NAME...: calls apt-get only when something is missing
install_packages() {
  local missing
  missing=$(missing_packages "$@")
  [[ -n $missing ]] || return 0
  need_root "installing the Debian packages $missing"
  say "installing Debian packages: $missing"
  # a third-party source that is down must not stop us; install tells if something is really missing
  apt-get -qq update || true
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get -qq install -y --no-install-recommends $missing >/dev/null
}

# debian_mirror: where this machine gets Debian from, so that no host name is written here
debian_mirror() {
  local codename uri
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  # shellcheck disable=SC2016 # apt's own variable
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' "Release: $codename" | head -n1)
  [[ -n $uri ]] || die "apt knows no source for Debian $codename"
  # Debian's cloud images name a list of mirrors in a file
  if [[ $uri == mirror+file:* ]]; then uri=$(grep -om1 '^http[^[:space:]]*' "${uri#mirror+file:}"); fi
  echo "$uri"
}

# private_apt SUITE TYPE COMMAND...: apt-get with a source list of its own; the system's is not touched
private_apt() {
  local suite=$1 type=$2 dir="$CACHE/apt/$1-$2"
  shift 2
  mkdir -p "$dir"/{parts,lists/partial,cache/archives/partial}
  printf 'Types: %s\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$type" "$(debian_mirror)" "$suite" \
    /usr/share/keyrings/debian-archive-keyring.gpg >"$dir/parts/debian.sources"
  apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$dir/parts" -o Dir::State::lists="$dir/lists" \
    -o Dir::Cache="$dir/cache" -o APT::Sandbox::User=root "$@"
}

# overlay_works DIR: can this kernel mount overlay on DIR's file system (not so in many containers)
overlay_works() {
  local work rc=0
  work=$(mktemp -d "$1/overlay.XXXXXX")
  mkdir "$work"/{lower,upper,work,merged}
  mount -t overlay overlay -o "lowerdir=$work/lower,upperdir=$work/upper,workdir=$work/work" "$work/merged" 2>/dev/null || rc=1
  ((rc)) || umount "$work/merged"
  rm -rf "$work"
  return $rc
}

# lock NAME: one script at a time; children that live on must be started with {LOCK_FD}>&-
lock() {
  mkdir -p "$CACHE"
  exec {LOCK_FD}>"$CACHE/$1.lock"
  flock -n "$LOCK_FD" || { say "waiting for another $1"; flock "$LOCK_FD"; }
}

# write_kubeconfig FILE SERVER CA USER: everything inside, so that the file can be copied
write_kubeconfig() {
  (umask 077; cat >"$1") <<Y
apiVersion: v1
kind: Config
clusters: [{name: weir-test, cluster: {server: "$2", certificate-authority-data: $(base64 -w0 "$3")}}]
users: [{name: admin, user: {$4}}]
contexts: [{name: weir-test, context: {cluster: weir-test, user: admin}}]
current-context: weir-test
Y
}
