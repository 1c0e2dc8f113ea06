#!/bin/bash
# A small tree with one offence a file: check-layers and check-style must name each, and nothing else.
set -euo pipefail
hack=$(cd "$(dirname "$0")/../../hack" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{base,kube,web,pipeline}

put() { printf '%s\n' "${@:2}" >"$tree/$1"; }
expect() { # CHECK WANTED...: it fails, and its output is these lines
  local check=$1 got
  shift
  if got=$("$hack/$check" "$tree" 2>/dev/null); then echo "$check found nothing"; exit 1; fi
  diff <(printf '%s\n' "$@" | sort) <(sed "s|$tree/||" <<<"$got" | sort)
}

put base/good.c '/* Fine. */' '#include "base/good.h"' '#include <stdio.h>' 'static int snprintf_like(void) {' '}'
put base/json.h '#pragma once' '#include <yyjson.h>'
put kube/http.c '/* Fine. */' '#include <curl/curl.h>' '#include <uv.h>' '#include "base/good.h"'
"$hack/check-layers" "$tree"
"$hack/check-style" "$tree"

put base/up.c '/* . */' '#include "kube/http.h"'
put kube/dots.c '/* . */' '#include "../base/good.h"' '#  include "http.h"'
put web/curl.c '/* . */' '#include <curl/curl.h>' '#include "pipeline/model.h"'
put pipeline/yyjson.h '#pragma once' '#include <yyjson.h>'
expect check-layers \
  'base/up.c: base/ must not include "kube/http.h"' \
  'kube/dots.c: "../base/good.h" must be written from the root of operator/' \
  'kube/dots.c: "http.h" must be written from the root of operator/' \
  'web/curl.c: <curl/curl.h> is for kube/* rest/* only' \
  'web/curl.c: web/ must not include "pipeline/model.h"' \
  'pipeline/yyjson.h: <yyjson.h> is for base/json.h only'

rm "$tree"/{base/up.c,kube/dots.c,web/curl.c,pipeline/yyjson.h}
put web/bare.c 'int x;'
put web/bare.h '/* late */' '#pragma once'
put web/banned.c '/* . */' 'strcpy(a, b); fgets(a); x.atoi_like();' 'return atoi (a);'
put web/blank.c '/* . */' $'\tint x;' 'int y; '
put web/issue.c '/* see issue 12 */' '/* kubernetes#123 */' '"#fff" &#39;'
put web/note.c '/* . */' "// TO""DO: later"
put web/long.c '/* . */' 'int f(void) {' "$(seq -f '    x(%g);' 80)" '}' "$(seq -f '/* %g */' 420)"
put web/long.h '#pragma once' "$(seq -f '/* %g */' 200)"
expect check-style \
  'web/bare.c:1: must open with what it does, relies on and never does' \
  'web/bare.h:1: must open with #pragma once' \
  'web/banned.c:2: banned function' 'web/banned.c:3: banned function' \
  'web/blank.c:2: tab' 'web/blank.c:3: blank at the end' \
  'web/issue.c:1: issue number (say the reason instead)' 'web/issue.c:2: issue number (say the reason instead)' \
  'web/note.c:2: note to self' \
  'web/long.c:2: a function of 82 lines (at most 80)' 'web/long.c: 503 lines (at most 500)' \
  'web/long.h: 201 lines (at most 200)'
