#!/usr/bin/env python3
"""What admin/grafana and admin/prometheus ask for exists: every metric and label value is exported by a running service; the alert
rules pass their own tests where promtool is installed. TAP.

usage: dashboards.py PERIGEE"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from service import Service  # noqa: E402

ADMIN = pathlib.Path(__file__).resolve().parents[2] / "admin"
NAME = re.compile(r"\b((?:perigee|process)_[a-z0-9_]+)")
results = []


def check(name, ok, why="", skip=""):
    results.append(ok or bool(skip))
    print(f"{'ok' if ok or skip else 'not ok'} {len(results)} - {name}{' # SKIP ' + skip if skip else ''}", flush=True)
    if not ok and not skip:
        print(f"# {why}", flush=True)


def base(metric):
    return re.sub(r"_(bucket|sum|count)$", "", metric)


def main():
    with Service(sys.argv[1]) as service:
        service.register("ada@example.org").get("/api/v1/me", expect=200)
        text = service.anonymous().get("/metrics", expect=200).body
    text = text.decode() if isinstance(text, bytes) else text
    exported = {base(m) for m in re.findall(r"^# TYPE (\S+)", text, re.M)}
    classes = set(re.findall(r'class="([^"]+)"', text))
    for path in sorted(ADMIN.glob("grafana/*.json")):
        board = json.loads(path.read_text())
        exprs = [t["expr"] for p in board["panels"] for t in p["targets"]]
        unknown = {m for e in exprs for m in map(base, NAME.findall(e))} - exported
        check(f"{path.name}: {len(exprs)} queries ask for metrics that exist", exprs and not unknown, f"not exported: {sorted(unknown)}")
    rules = (ADMIN / "prometheus/alerts.yml").read_text()
    asked = {base(m) for line in rules.splitlines() if "expr:" in line for m in NAME.findall(line)}
    check(f"alerts.yml: {len(asked)} metrics exist", asked and asked <= exported, f"not exported: {sorted(asked - exported)}")
    named = set(re.findall(r'class!="([^"]+)"', rules))
    check("alerts.yml: the classes it leaves out exist", named and named <= classes, f"{sorted(named)} of {sorted(classes)}")
    tool = shutil.which("promtool")
    if not tool:
        check("alerts.yml passes its own tests", False, skip="promtool is not installed (package prometheus)")
    else:
        done = subprocess.run([tool, "test", "rules", "alerts_test.yml"], cwd=ADMIN / "prometheus", capture_output=True, text=True, env=os.environ)
        check("alerts.yml passes its own tests", done.returncode == 0, (done.stdout + done.stderr).replace("\n", "\n# ")[:1500])
    print(f"1..{len(results)}")
    sys.exit(0 if all(results) else 1)


main()
