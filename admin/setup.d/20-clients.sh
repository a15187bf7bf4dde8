#!/bin/bash
# admin/setup.d/20-clients.sh – the clients that tests/clients/ sets on the service, written by others: Node packages pinned by
# tests/clients/package-lock.json, Python ones by requirements.txt, each into a git-ignored directory beside its list.
#
# What cannot be got leaves the machine able to build and test: those tests are then skipped and say what was missing.
set -euo pipefail
source "$(dirname "$0")/common"
cd "$(dirname "$0")/../../tests/clients"

say() { echo "setup: test clients: $*"; }

debian=()
want_node
command -v oathtool >/dev/null || debian+=(oathtool)
python3 -c 'import websockets' 2>/dev/null || debian+=(python3-websockets)
python3 -c 'import ensurepip, venv' 2>/dev/null || debian+=(python3-venv)

need=()
filled_from package-lock.json node_modules || need+=(npm)
filled_from requirements.txt .venv || need+=(pip)

if [ ${#debian[@]} = 0 ] && [ ${#need[@]} = 0 ]; then
  say "present"
  exit 0
fi
if [ "${PERIGEE_SETUP_CHECK-no}" = yes ]; then
  say "missing: ${debian[*]} ${need[*]/#/packages by }"
  exit 1
fi

install_debian "${debian[@]}"

get_pip() {
  rm -rf .venv
  python3 -m venv .venv &&
    .venv/bin/pip install -q --disable-pip-version-check --only-binary :all: --no-deps -r requirements.txt &&
    cp requirements.txt .venv/.installed-from
}
outcome=done
for how in "${need[@]}"; do
  get "$how" || outcome="incomplete; the tests that need what is missing will be skipped"
done
say "$outcome"
