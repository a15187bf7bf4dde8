#!/usr/bin/env python3
"""A disk that is full, read-only or gone under a running service: disk.py PERIGEE. Prints TAP.

Needs root for a small tmpfs. Every answer is a success that holds or a clear refusal; reading goes on; /ready and the metrics tell;
with room again it goes on by itself."""
import collections
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from service import PASSWORD, Client, Service, Skip, run_cases

REFUSALS = {"storage_failed", "unavailable"}
SOURCE = 'strategy{ name="x", api=1 }\nfunction on_bar(ctx) end\n-- '


def until(condition, what, wait_s=8):
    deadline = time.monotonic() + wait_s
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


class Disk:
    """A tmpfs of some megabytes; the log of the service stands beside it."""

    def __init__(self, size):
        self.parent = pathlib.Path(tempfile.mkdtemp(prefix="perigee-disk-"))
        self.path = self.parent / "disk"
        self.path.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(self.path)], capture_output=True, text=True)
        self.error = done.stderr.strip() or (f"mount ended with {done.returncode}" if done.returncode else "")

    def remount(self, options):
        return subprocess.run(["mount", "-o", f"remount,{options}", str(self.path)], capture_output=True).returncode == 0

    def remove(self):
        if not self.error:
            subprocess.run(["umount", "-l", str(self.path)], check=False, capture_output=True)
        shutil.rmtree(self.parent, ignore_errors=True)


def ready(s):
    return s.anonymous().get("/ready").status


def metric(s, line):
    text = s.anonymous().get("/metrics", expect=200).body.decode()
    return next(float(row.split()[-1]) for row in text.splitlines() if row.startswith(line + " "))


def refused_clearly(answer):
    assert answer.status == 503 and answer.code in REFUSALS and answer.json["detail" if "detail" in answer.json else "title"], answer


def sound(s):
    done = subprocess.run([s.binary, "doctor", "--data-dir", str(s.data)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def customer(s):
    client = s.register("ada@example.org")
    client.post("/api/v1/subscriptions/upgrade", {"plan": "enterprise"}, expect=200)
    return client


def main(binary):
    disk = Disk("4m")
    if disk.error:
        disk.remove()
        print(f"1..0 # SKIP no tmpfs can be mounted here (needs root): {disk.error}")
        return 0
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    s = Service(binary, data=disk.path)
    s.start()
    ada = customer(s)
    acked = {}
    path = "/api/v1/strategies"

    def upload(n, size):
        answer = ada.post(path, {"name": n, "source": SOURCE + n + "x" * size + "\n"}, headers={"Idempotency-Key": n})
        if answer.status == 201:
            acked[n] = answer.json["id"]
        return answer

    def nothing_lost():
        rows, cursor = [], ""
        while cursor is not None:
            page = ada.get(f"{path}?limit=100" + (f"&cursor={cursor}" if cursor else ""), expect=200).json
            rows, cursor = rows + page["items"], page["next_cursor"]
        have = {row["name"]: row["id"] for row in rows}
        assert have == acked, (sorted(set(have) - set(acked)), sorted(set(acked) - set(have)))

    @case("filling the disk: each upload is kept, or refused and not there")
    def _():
        answers = collections.Counter()
        for i in range(200):
            answer = upload(f"s{i}", 60000)
            answers[answer.status, answer.code] += 1
            if answer.status != 201:
                refused_clearly(answer)
            if answers[503, "storage_failed"] > 3:
                break
        print(f"# {dict(answers)}")
        assert acked and answers[503, "storage_failed"] > 3, answers
        nothing_lost()

    @case("a full disk: every kind of write is refused clearly or done, reading and /health go on, /ready and the metrics tell")
    def _():
        # To the last page, so that small writes are refused too.
        try:
            with open(s.data / "filler", "wb", buffering=0) as f:
                while f.write(b"x" * 4096):
                    pass
        except OSError:
            pass
        seen = collections.Counter()
        for i in range(150):
            writes = [ada.post("/api/v1/orgs", {"name": f"o{i}" + "x" * 90}), ada.patch("/api/v1/me", {"name": f"Ada {i}"})]
            if i % 30 == 0:
                writes += [s.anonymous().post("/api/v1/auth/login", {"email": "ada@example.org", "password": PASSWORD}),
                           s.anonymous().post("/api/v1/auth/register", {"email": f"n{i}@example.org", "password": PASSWORD}),
                           s.operator().post("/api/v1/admin/users", {"email": f"u{i}@example.org", "password": PASSWORD}),
                           upload(f"t{i}", 60000)]
            for answer in writes:
                seen[answer.status, answer.code] += 1
                if answer.status >= 300:
                    refused_clearly(answer)
        print(f"# {dict(seen)}")
        assert seen[503, "storage_failed"] > 5, seen
        until(lambda: ready(s) == 503, "/ready says yes with a full disk")
        assert s.anonymous().get("/ready").code == "unavailable"
        assert s.anonymous().get("/health").status == 200
        ada.get("/api/v1/me", expect=200)
        nothing_lost()
        assert metric(s, 'perigee_storage_refusing{file="control"}') == 1
        assert metric(s, 'perigee_storage_refusing{file="market"}') == 0
        assert metric(s, 'perigee_storage_batches_refused_total{file="control"}') > 3
        assert metric(s, "perigee_storage_free_bytes") < 100000

    @case("a backup onto the full disk fails and leaves nothing behind")
    def _():
        before = sorted(p.name for p in s.data.iterdir())
        done = subprocess.run([binary, "backup", str(s.data / "copy"), "--data-dir", str(s.data)], capture_output=True, text=True)
        assert done.returncode == 1 and done.stderr.startswith("perigee:"), done
        assert sorted(p.name for p in s.data.iterdir()) == before

    @case("a server killed on the full disk starts and reads, or says why not")
    def _():
        s.process.kill()
        s.process.wait()
        s.log.close()
        size = len(s.log_text())
        try:
            s.start()
        except AssertionError:
            if s.process.poll() is None:  # up, but not ready: reading works
                ada.get("/api/v1/me", expect=200)
                s.stop()
            else:
                assert s.process.returncode == 1 and "perigee: " in s.log_text()[size:], s.log_text()[size:]
        else:
            ada.get("/api/v1/me", expect=200)

    @case("with room again it goes on by itself; what was acknowledged is there, also after a kill")
    def _():
        assert disk.remount("size=32m")
        (s.data / "filler").unlink(missing_ok=True)
        if s.process.poll() is not None:
            s.start()
        until(lambda: ready(s) == 200, "/ready stays 503 although there is room")
        assert metric(s, 'perigee_storage_refusing{file="control"}') == 0
        assert upload("after", 60000).status == 201
        nothing_lost()
        s.process.kill()
        s.process.wait()
        s.log.close()
        s.start()
        nothing_lost()
        sound(s)

    @case("read-only while it runs: refused and told, and mended without a restart")
    def _():
        if not disk.remount("ro"):
            assert s.stop() == 0
            raise Skip("a file system with open files cannot be made read-only here; seen at the start only")
        until(lambda: ready(s) == 503, "/ready says yes on a read-only disk")
        refused_clearly(upload("ro", 100))
        nothing_lost()
        assert disk.remount("rw")
        until(lambda: ready(s) == 200, "/ready stays 503")
        assert upload("rw", 100).status == 201
        assert s.stop() == 0

    @case("a start on a read-only disk is refused with the reason, and changes nothing")
    def _():
        assert disk.remount("ro")
        done = subprocess.run([binary, "serve", "--data-dir", str(s.data), "--listen", f"127.0.0.1:{s.port}"], capture_output=True, text=True, timeout=20)
        assert done.returncode == 1 and "ead-only file system" in done.stderr, done
        assert disk.remount("rw")
        s.start()
        nothing_lost()

    @case("the data directory is removed under it: nothing is acknowledged any more, /ready tells, it does not crash")
    def _():
        assert upload("before", 100).status == 201
        for entry in s.data.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        refused_clearly(upload("lost", 100))
        refused_clearly(ada.post("/api/v1/me/api-keys", {"name": "k", "scopes": ["read"]}))
        until(lambda: ready(s) == 503, "/ready says yes without a data directory")
        assert s.anonymous().get("/health").status == 200
        until(lambda: metric(s, 'perigee_storage_refusing{file="journal"}') == 1, "an idle file is looked after too")
        assert s.stop() == 0

    @case("a data directory that is moved away while idle shows within seconds, and comes back with a restart")
    def _():
        t = Service(binary, data=tempfile.mkdtemp(dir=disk.parent))
        t.start()
        eve = customer(t)
        away = t.data.with_name("away")
        os.rename(t.data, away)
        until(lambda: ready(t) == 503, "/ready says yes")
        refused_clearly(eve.post("/api/v1/orgs", {"name": "gone"}))
        os.rename(away, t.data)
        refused_clearly(eve.post("/api/v1/orgs", {"name": "gone"}))  # what happened meanwhile is unknown
        assert t.stop() == 0
        t.start()
        Client(t, eve.token).post("/api/v1/orgs", {"name": "back"}, expect=201)
        assert [o["name"] for o in Client(t, eve.token).get("/api/v1/orgs", expect=200).json["items"]].count("gone") == 0
        sound(t)
        assert t.stop() == 0

    try:
        return run_cases(cases)
    finally:
        if s.process.poll() is None:
            s.process.kill()
            s.process.wait()
        disk.remove()


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
