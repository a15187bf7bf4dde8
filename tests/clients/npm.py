#!/usr/bin/env python3
"""Runs a script of this folder, which uses npm packages that others wrote, against a fresh service: npm.py SCRIPT PERIGEE.
Prints the script's TAP; skipped when Node, the packages or a program it calls are missing (admin/setup gets them)."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "service"))
from service import PASSWORD, Service  # noqa: E402
from work import import_bars  # noqa: E402

# Slow enough that its progress is told more than once, quick to prove.
STEADY = """strategy{ name="steady", api=1 }
function on_bar(ctx) local n = 0 for i = 1, 2000 do n = n + i end ctx.state.n = n end
"""

# What each script needs besides Node: packages, programs.
NEEDS = {"tokens.mjs": (["jose"], []), "codes.mjs": (["otplib"], ["oathtool"]), "stream.mjs": (["ws", "undici"], [])}


def missing(script):
    packages, programs = NEEDS[script]
    absent = [p for p in ("node", *programs) if not shutil.which(p)]
    absent += [f"npm package {p}" for p in packages if not (HERE / "node_modules" / p / "package.json").exists()]
    if "node" not in absent:
        version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
        if int(version.lstrip("v").split(".")[0]) < 18:
            absent.append(f"node 18 (this is {version})")
    return absent


def main(script, binary):
    absent = missing(script)
    if absent:
        print(f"1..0 # SKIP {', '.join(absent)} missing: admin/setup\n# skipped: {', '.join(absent)} missing: admin/setup")
        return 0
    service = Service(binary)
    if script == "stream.mjs":
        import_bars(binary, service.data, count=8000)
    with service as s:
        ada, bob = s.register("ada@example.org"), s.register("bob@example.org")
        context = {"port": s.port, "email": "ada@example.org", "password": PASSWORD, "token": ada.token, "id": ada.me["id"], "keys": str(s.data / "keys"),
                   "other": bob.me["id"], "otherToken": bob.token}
        if script == "stream.mjs":
            ada.post("/api/v1/subscriptions/upgrade", {"plan": ada.get("/api/v1/subscriptions/plans").json["items"][-1]["id"]}, expect=200)
            context["strategy"] = ada.post("/api/v1/strategies", {"name": "Steady", "source": STEADY}, expect=201).json["id"]
        return subprocess.run(["node", str(HERE / script)], env={**os.environ, "PERIGEE_CLIENT_CONTEXT": json.dumps(context)}, timeout=200).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
