#!/bin/bash
# admin/setup.d/20-clients.sh – the clients that tests/clients/ sets on the service, written by others: Node packages pinned by
# tests/clients/package-lock.json, Python ones by requirements.txt, each into a git-ignored directory beside its list.
#
# What cannot be got leaves the machine able to build and test: those tests are then skipped and say what was missing.
set -euo pipefail
cd "$(dirname "$0")/../../tests/clients"

say() { echo "setup: test clients: $*"; }

debian=()
node_major() { node --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p'; }
[ "$(node_major || true)" ] || debian+=(nodejs)
command -v npm >/dev/null || debian+=(npm)
command -v oathtool >/dev/null || debian+=(oathtool)
python3 -c 'import websockets' 2>/dev/null || debian+=(python3-websockets)
python3 -c 'import ensurepip, venv' 2>/dev/null || debian+=(python3-venv)

# A directory is complete when the list it was filled from is beside it, unchanged.
need=()
cmp -s package-lock.json node_modules/.installed-from || need+=(npm)
cmp -s requirements.txt .venv/.installed-from || need+=(pip)

if [ ${#debian[@]} = 0 ] && [ ${#need[@]} = 0 ]; then
  say "present"
  exit 0
fi
if [ "${PERIGEE_SETUP_CHECK-no}" = yes ]; then
  say "missing: ${debian[*]} ${need[*]/#/packages by }"
  exit 1
fi

if [ ${#debian[@]} -gt 0 ]; then
  say "installing: ${debian[*]}"
  root=
  [ "$(id -u)" = 0 ] || root=sudo
  $root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 \
    install --no-install-recommends "${debian[@]}" >/dev/null || say "apt-get failed" >&2
fi

get_npm() { npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=0 && cp package-lock.json node_modules/.installed-from; }
get_pip() {
  rm -rf .venv
  python3 -m venv .venv &&
    .venv/bin/pip install -q --disable-pip-version-check --only-binary :all: --no-deps -r requirements.txt &&
    cp requirements.txt .venv/.installed-from
}
outcome=done
for how in "${need[@]}"; do
  say "getting the packages by $how"
  for try in 1 2 3; do
    "get_$how" >/dev/null && continue 2
    say "$how failed (try $try of 3)" >&2
    [ $try = 3 ] || sleep $((try * 2))
  done
  outcome="incomplete; the tests that need what is missing will be skipped"
done
say "$outcome"
