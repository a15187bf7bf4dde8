#!/usr/bin/env python3
"""Runs a script of this folder, which uses a Bybit client of npm that others wrote, against a fresh `perigee exchange`:
exchange.py SCRIPT PERIGEE. Prints the script's TAP; skipped when Node or the package is missing (admin/setup gets them)."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "exchange"))
from venue import KEY, SECRET, Exchange  # noqa: E402

NEEDS = {"ccxt.mjs": "ccxt", "bybit.mjs": "bybit-api"}


def main(script, binary):
    package = NEEDS[script]
    absent = [p for p in ("node",) if not shutil.which(p)]
    if not (HERE / "node_modules" / package / "package.json").exists():
        absent.append(f"npm package {package}")
    if absent:
        print(f"1..0 # SKIP {', '.join(absent)} missing: admin/setup\n# skipped: {', '.join(absent)} missing: admin/setup")
        return 0
    keys = (f"{KEY}:{SECRET}", "other:othersecret", "reader:readersecret:read")
    with Exchange(binary, "--feed", "sim", "--no-limits", "--seed", "11", "--history", "1", keys=keys) as e:
        context = {"port": e.port, "key": KEY, "secret": SECRET}
        return subprocess.run(["node", str(HERE / script)], env={**os.environ, "PERIGEE_CLIENT_CONTEXT": json.dumps(context)}, timeout=100).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
