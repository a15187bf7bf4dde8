#!/bin/bash
# admin/setup.d/30-console.sh – what the web consoles are built and tested with: Node, the packages pinned by
# admin/console/package-lock.json (into a git-ignored directory beside it), and Debian's Chromium (its headless shell) for the tests.
#
# What cannot be got leaves the machine able to build and test all else: the binary is then built without the consoles, and
# their tests are skipped and say what was missing.
set -euo pipefail
source "$(dirname "$0")/common"
cd "$(dirname "$0")/../console"

say() { echo "setup: consoles: $*"; }

debian=()
want_node
# Its headless shell has no window of its own to draw: 0.6 x of the processor's time. A system without that package gets the whole browser.
if ! command -v chromium-headless-shell >/dev/null; then
  if apt-cache show chromium-headless-shell >/dev/null 2>&1; then debian+=(chromium-headless-shell); else command -v chromium >/dev/null || debian+=(chromium); fi
fi

complete() { filled_from package-lock.json node_modules; }

if [ ${#debian[@]} = 0 ] && complete; then
  say "present"
  exit 0
fi
if [ "${PERIGEE_SETUP_CHECK-no}" = yes ]; then
  say "missing: ${debian[*]} $(complete || echo packages by npm)"
  exit 1
fi

install_debian "${debian[@]}"
outcome=done
complete || get npm || outcome="incomplete; the binary will be built without the consoles"
say "$outcome"
