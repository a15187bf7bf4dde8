#!/usr/bin/env python3
"""The kill switch: halt.py PERIGEE. Prints TAP. Who may halt and resume what; that what was acknowledged outlives kill -9 and a full disk;
the shell with a service, without one and with one that hangs; the file HALT; that a halted bot orders nothing and resumes."""
import atexit
import json
import os
import random
import signal
import subprocess
import sys
import time

from bots import Customer
from disk import Disk, until
from service import Service, Skip, run_cases

ADMIN, MINE = "/api/v1/admin/halt", "/api/v1/me/halt"
ORDERS = """strategy{ name="orders", api=1 }
function on_bar(ctx, bar)
  if ctx.pos.flat then ctx:buy{qty=0.01} else ctx:close{} end
end
"""


def said(answer):
    """{(level, id): (mode, cause)} of an answer."""
    return {(i["level"], i["id"]): (i["mode"], i["cause"]) for i in answer["items"]}


def metric(s, name):
    text = s.anonymous().get("/metrics", expect=200).body.decode()
    return next(float(row.split()[-1]) for row in text.splitlines() if row.startswith(name + " "))


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    s = Service(binary, args=["--feed", "sim=sim:speed=600"])
    s.start()
    atexit.register(lambda: s.process.kill())
    op = s.operator()
    ada, bob = Customer(s, "ada@example.org"), Customer(s, "bob@example.org")
    org = op.get("/api/v1/admin/users?q=ada@example.org", expect=200).json["items"][0]["tenant_id"]

    def rich(name):
        return ada.client.post("/api/v1/accounts", {"venue": "paper", "name": name, "settings": {"balance": "100000"}}, expect=201).json["id"]

    strategy = ada.strategy("Orders", ORDERS)
    ada.account = rich("Rich")
    bot = ada.bot(strategy, symbol="BTCUSDT", timeframe="1m", settings={"cash": "50000"})["id"]

    def shell(*words, data=None, code=0):
        done = subprocess.run([binary, *words, "--data-dir", str(data or s.data)], capture_output=True, text=True, timeout=30)
        assert done.returncode == code, (words, done)
        return done.stdout + done.stderr

    def listed(data=None):
        return said(json.loads(subprocess.run([binary, "halt", "--list", "--json", "-", "--data-dir", str(data or s.data)], capture_output=True, text=True, timeout=30, check=True).stdout))

    def clear():
        for level, name in said(op.get(ADMIN, expect=200).json):
            op.delete(f"{ADMIN}?level={level}" + (f"&id={name}" if name else ""), expect=200)

    @case("an operator halts each level and resumes it; a second halt makes nothing milder")
    def _():
        for level, name in (("all", None), ("venue", "sim"), ("tenant", org), ("bot", bot)):
            body = {"level": level, "mode": "flatten", **({"id": name} if name else {})}
            answer = op.post(ADMIN, body, expect=200).json
            assert said(answer) == {(level, name or ""): ("flatten", "operator")} and answer["audited"], answer
            answer = op.post(ADMIN, {**body, "mode": "reduce"}, expect=200).json
            assert said(answer) == {(level, name or ""): ("flatten", "operator")}, answer
            path = f"{ADMIN}?level={level}" + (f"&id={name}" if name else "")
            assert said(op.delete(path, expect=200).json) == {}
            assert op.delete(path).code == "not_found"

    @case("what names nothing is refused, and nothing is halted by it")
    def _():
        for body in ({"level": "tenant"}, {"level": "bot", "id": org}, {"level": "venue"}, {"level": "all", "id": bot}, {"level": "venue", "id": "a b"}, {"level": "planet"},
                     {"level": "all", "mode": "none"}, {}):
            answer = op.post(ADMIN, body)
            assert answer.status == 422, (body, answer)
        assert op.delete(ADMIN).status == 422 and op.delete(f"{ADMIN}?level=tenant").status == 422
        assert said(op.get(ADMIN, expect=200).json) == {}

    @case("owners halt all their bots or one, see no others', and resume only what they halted")
    def _():
        assert said(ada.client.post(MINE, expect=200).json) == {("tenant", org): ("silent", "owner")}
        assert said(ada.client.post(f"/api/v1/bots/{bot}/halt", {"mode": "reduce"}, expect=200).json) == {("tenant", org): ("silent", "owner"), ("bot", bot): ("reduce", "owner")}
        assert said(bob.client.get(MINE, expect=200).json) == {}
        assert bob.client.post(f"/api/v1/bots/{bot}/halt").status == 404 and bob.client.delete(f"/api/v1/bots/{bot}/halt").status == 404
        assert bob.client.post(ADMIN, {"level": "all"}).code == "forbidden" and bob.client.get(ADMIN).code == "forbidden"
        assert said(ada.client.delete(f"/api/v1/bots/{bot}/halt", expect=200).json) == {("tenant", org): ("silent", "owner")}
        op.post(ADMIN, {"level": "tenant", "id": org}, expect=200)  # takes it over
        assert ada.client.delete(MINE).code == "conflict"
        op.post(ADMIN, {"level": "all"}, expect=200)
        assert said(bob.client.get(MINE, expect=200).json) == {("all", ""): ("silent", "operator")}
        clear()

    @case("the halts of bots that are deleted take up no room")
    def _():
        idle = [ada.bot(strategy)["id"] for _ in range(2)]
        for one in idle:
            ada.client.post(f"/api/v1/bots/{one}/halt", expect=200)
        op.post(ADMIN, {"level": "bot", "id": idle[1]}, expect=200)  # takes it over: what an operator halted is an operator's to resume
        for one in idle:
            assert ada.client.delete(f"/api/v1/bots/{one}").status == 204
        assert said(op.get(ADMIN, expect=200).json) == listed() == {("bot", idle[1]): ("silent", "operator")}
        clear()
        ada.client.post(MINE, {"mode": "flatten"}, expect=200)
        assert said(ada.client.delete(MINE, expect=200).json) == {}

    @case("each change is in the audit log, an owner's in the owner's")
    def _():
        own = [(e["action"], e["object"]) for e in op.get(f"/api/v1/admin/audit?tenant_id={org}&limit=200", expect=200).json["items"]]
        assert ("halt.set", org) in own and ("halt.clear", org) in own and ("halt.set", bot) in own, own
        site = [e["action"] for e in op.get("/api/v1/admin/audit?limit=200", expect=200).json["items"]]
        assert "halt.set" in site and "halt.clear" in site

    @case("a running bot: halted it orders nothing more within 100 ms, its orders go, it resumes")
    def _():
        ada.act(bot, "start")
        until(lambda: ada.get({"id": bot})["state"] == "running", "it does not start", 30)
        until(lambda: metric(s, "perigee_bot_intents_total") > 3, "it orders nothing", 20)
        ada.client.post(f"/api/v1/bots/{bot}/halt", expect=200)
        assert ada.get({"id": bot})["state"] == "halted", ada.get({"id": bot})
        assert [i["bots"] for i in op.get(ADMIN, expect=200).json["items"]] == [1]
        time.sleep(0.1)
        refused, fills = metric(s, "perigee_bot_denials_total"), metric(s, "perigee_bot_fills_total")
        until(lambda: metric(s, "perigee_bot_denials_total") > refused + 5, "it is refused nothing", 20)
        assert metric(s, "perigee_bot_fills_total") == fills, "filled while halted"
        ada.client.delete(f"/api/v1/bots/{bot}/halt", expect=200)
        until(lambda: ada.get({"id": bot})["state"] == "running", "it does not resume", 20)
        refused, intents = metric(s, "perigee_bot_denials_total"), metric(s, "perigee_bot_intents_total")
        until(lambda: metric(s, "perigee_bot_intents_total") > intents + 5, "it does not order again", 20)
        assert metric(s, "perigee_bot_denials_total") == refused, "still refused"

    @case("a bot that is started while everything is halted becomes halted, and runs after the resume")
    def _():
        op.post(ADMIN, {"level": "all"}, expect=200)
        ada.account = rich("More")  # the first bot has all of the other
        late = ada.bot(strategy, symbol="ETHUSDT", timeframe="1m", settings={"cash": "50000"})["id"]
        ada.act(late, "start")
        try:
            until(lambda: ada.get({"id": late})["state"] == "halted", "it is not halted", 20)
        except AssertionError:
            raise AssertionError(ada.get({"id": late})) from None
        assert ada.get({"id": bot})["state"] == "halted"
        clear()
        until(lambda: {ada.get({"id": b})["state"] for b in (bot, late)} == {"running"}, "they do not run", 30)
        for b in (bot, late):
            ada.act(b, "stop")
            ada.stopped({"id": b})

    @case("what was acknowledged is there after kill -9, twenty times")
    def _():
        clear()
        rng, want = random.Random(7), {}
        names = [("all", ""), ("venue", "sim"), ("venue", "other-venue-with-a-long-name"), ("tenant", org), ("bot", bot)]
        shown = None
        for _ in range(20):
            for _ in range(rng.randrange(1, 4)):
                level, name = rng.choice(names)
                if (level, name) in want:
                    op.delete(f"{ADMIN}?level={level}&id={name}" if name else f"{ADMIN}?level=all", expect=200)
                    del want[level, name]
                elif not name.startswith("other"):
                    op.post(ADMIN, {"level": level, **({"id": name} if name else {})}, expect=200)
                    want[level, name] = ("silent", "operator")
            s.process.kill()
            s.process.wait()
            assert listed() == want, (listed(), want)  # of the file
            s.start()
            shown = said(op.get(ADMIN, expect=200).json)
            assert shown == want, (shown, want)
        clear()

    @case("the shell: with a service, and without one")
    def _():
        assert "no bot that is open" in shell("halt", "--venue", "simm")  # a misspelt name halts nobody, and says so
        shell("resume", "--venue", "simm")
        assert "halted" in shell("halt", "--tenant", org, "--flatten")
        assert said(op.get(ADMIN, expect=200).json) == {("tenant", org): ("flatten", "operator")}
        assert listed() == {("tenant", org): ("flatten", "operator")}
        assert "not halted" in shell("resume", code=1)
        shell("resume", "--tenant", org)
        shell("halt", "--tenant", bot, code=2)
        shell("halt", "--venue", "sim", "--bot", bot, code=2)
        s.stop()
        assert "no service runs" in shell("halt", "--venue", "sim")
        s.start()
        assert said(op.get(ADMIN, expect=200).json) == {("venue", "sim"): ("silent", "operator")}
        s.stop()
        shell("resume", "--venue", "sim")
        s.start()
        assert said(op.get(ADMIN, expect=200).json) == {}

    @case("a service that hangs is asked by the file HALT, and heeds it within a second when it can")
    def _():
        os.kill(s.process.pid, signal.SIGSTOP)
        try:
            assert "HALT" in shell("halt", "--venue", "sim", code=1)
        finally:
            os.kill(s.process.pid, signal.SIGCONT)
        until(lambda: said(op.get(ADMIN).json) == {("venue", "sim"): ("silent", "file")}, "it does not heed the file", 3)
        assert op.delete(f"{ADMIN}?level=venue&id=sim").code == "conflict"
        (s.data / "HALT").unlink()
        op.delete(f"{ADMIN}?level=venue&id=sim", expect=200)

    @case("an empty file HALT halts everything; going, it resumes nothing")
    def _():
        (s.data / "HALT").touch()
        until(lambda: said(op.get(ADMIN).json) == {("all", ""): ("silent", "file")}, "it does not heed the file", 3)
        (s.data / "HALT").unlink()
        time.sleep(0.7)
        assert said(op.get(ADMIN).json) == {("all", ""): ("silent", "file")}
        clear()

    @case("neither copy can be read: everything is halted at the next start, and the log says so")
    def _():
        s.stop()
        with open(s.data / "halt", "r+b") as f:
            f.seek(50)
            f.write(b"x")
            f.seek(32768 + 50)
            f.write(b"x")
        s.start()
        assert said(op.get(ADMIN, expect=200).json) == {("all", ""): ("silent", "damaged")}
        assert any("halt_file_lost" in line for line in s.log_lines())
        clear()

    @case("a full disk: halted, durable and told that the audit log has no room; resumed likewise")
    def _():
        disk = Disk("6m")
        if disk.error:
            disk.remove()
            raise Skip(f"no tmpfs can be mounted here (needs root): {disk.error}")
        t = Service(binary, data=disk.path)
        try:
            t.start()
            operator = t.operator()
            with open(disk.path / "ballast", "wb", buffering=0) as f:
                try:
                    while True:
                        f.write(b"x" * 4096)
                except OSError:
                    pass
            for _ in range(200):  # until what the logs had left is used too
                answer = operator.post(ADMIN, {"level": "all"}, expect=200).json
                assert said(answer) == {("all", ""): ("silent", "operator")}
                if not answer["audited"]:
                    break
            assert not answer["audited"], "the disk was never full"
            t.process.kill()
            t.process.wait()
            assert listed(disk.path) == {("all", ""): ("silent", "operator")}
            subprocess.run([binary, "resume", "--data-dir", str(disk.path)], check=True, capture_output=True, timeout=30)
            subprocess.run([binary, "halt", "--venue", "sim", "--data-dir", str(disk.path)], check=True, capture_output=True, timeout=30)
            assert listed(disk.path) == {("venue", "sim"): ("silent", "operator")}
            assert disk.remount("ro")
            assert listed(disk.path) == {("venue", "sim"): ("silent", "operator")}
        finally:
            if t.process.poll() is None:
                t.process.kill()
                t.process.wait()
            disk.remove()

    failed = run_cases(cases)
    s.stop()
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
