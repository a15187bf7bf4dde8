#!/bin/bash
# admin/setup.d/30-console.sh – what the web consoles are built and tested with: Node, the packages pinned by
# admin/console/package-lock.json (into a git-ignored directory beside it), and Debian's Chromium for the tests.
#
# What cannot be got leaves the machine able to build and test all else: the binary is then built without the consoles, and
# their tests are skipped and say what was missing.
set -euo pipefail
cd "$(dirname "$0")/../console"

say() { echo "setup: consoles: $*"; }

debian=()
node_major() { node --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p'; }
[ "$(node_major || true)" ] || debian+=(nodejs)
command -v npm >/dev/null || debian+=(npm)
command -v chromium >/dev/null || debian+=(chromium)

# The directory is complete when the list it was filled from is in it, unchanged.
complete() { cmp -s package-lock.json node_modules/.installed-from; }

if [ ${#debian[@]} = 0 ] && complete; then
  say "present"
  exit 0
fi
if [ "${PERIGEE_SETUP_CHECK-no}" = yes ]; then
  say "missing: ${debian[*]} $(complete || echo packages by npm)"
  exit 1
fi

if [ ${#debian[@]} -gt 0 ]; then
  say "installing: ${debian[*]}"
  root=
  [ "$(id -u)" = 0 ] || root=sudo
  $root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 \
    install --no-install-recommends "${debian[@]}" >/dev/null || say "apt-get failed" >&2
fi

outcome=done
if ! complete; then
  say "getting the packages by npm"
  for try in 1 2 3; do
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=0 >/dev/null &&
      cp package-lock.json node_modules/.installed-from && break
    say "npm failed (try $try of 3)" >&2
    [ $try = 3 ] && outcome="incomplete; the binary will be built without the consoles" || sleep $((try * 2))
  done
fi
say "$outcome"
