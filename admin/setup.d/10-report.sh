#!/bin/bash
# admin/setup.d/10-report.sh – the chart library that goes into the HTML report (Apache-2.0), pinned by SHA-256.
#
# Puts two files of the npm package into subprojects/lightweight-charts (git-ignored): the browser build and its licence.
set -euo pipefail
source "$(dirname "$0")/common"
cd "$(dirname "$0")/../.."

version=5.2.1
dir=subprojects/lightweight-charts
js=lightweight-charts.standalone.production.js
js_sha256=e21cc5caa0226ef30bd8549c50b9ef926615f2a4ee6b4e486353477a55f598cf
licence_sha256=70c9d5382506dd184465425c08a99ad9bd6d9ac1313c252968ba0b585e5ef823

say() { echo "setup: report charts: $*"; }
pinned() {  # DIR
  printf '%s  %s\n' "$js_sha256" "$1/$js" "$licence_sha256" "$1/LICENSE" | sha256sum --check --status --strict 2>/dev/null
}

if pinned "$dir"; then
  say "$version present"
  exit 0
fi
if [ "${PERIGEE_SETUP_CHECK-no}" = yes ]; then
  say "missing"
  exit 1
fi
if ! command -v npm >/dev/null; then
  install_debian npm
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for try in 1 2 3; do
  (cd "$scratch" && npm pack --silent "lightweight-charts@$version" >/dev/null) && break
  say "npm pack failed (try $try of 3)" >&2
  [ $try = 3 ] && exit 1
  sleep $((try * 2))
done
tar -xzf "$scratch/lightweight-charts-$version.tgz" -C "$scratch" package/LICENSE "package/dist/$js"
mv "$scratch/package/dist/$js" "$scratch/package/$js"
if ! pinned "$scratch/package"; then
  say "version $version does not have the pinned content; nothing was installed" >&2
  exit 1
fi
mkdir -p "$dir"
install -m 644 "$scratch/package/$js" "$scratch/package/LICENSE" "$dir/"
say "$version installed"
