#!/usr/bin/env python3
"""The wall clock jumps by an hour, goes back, stands still – under a running service: clock.py PERIGEE SHIM. Prints TAP.

The shim (clock_shim.c) changes what the service reads as the time of day; the monotonic clock stays as it is, as in life."""
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

from auth import totp
from service import PASSWORD, Client, Service, run_cases

HOUR = 3600


class Clock:
    """What the service takes for the time; changes while it runs."""

    def __init__(self, path, shim):
        self.path, self.shim = path, shim
        path.write_bytes(bytes(16))

    def set(self, shift_ns, still_ns):
        with open(self.path, "r+b", buffering=0) as f:
            f.write(struct.pack("=qq", shift_ns, still_ns))

    def shift(self, seconds):
        self.set(seconds * 10**9, 0)

    def freeze(self):
        self.set(0, time.time_ns())

    def environment(self):
        return {"LD_PRELOAD": self.shim, "PERIGEE_CLOCK": str(self.path), "PERIGEE_RATE_PERCENT": "100"}


def main(binary, shim):
    if b"__asan_init" in pathlib.Path(binary).read_bytes():
        print("1..0 # SKIP a sanitizer wants to be the first library")
        return 0
    place = pathlib.Path(tempfile.mkdtemp(prefix="perigee-clock-"))
    clock = Clock(place / "clock", shim)
    cases, ids = [], []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    s = Service(binary, env=clock.environment())
    s.start()
    ada = s.register("ada@example.org")
    ada.post("/api/v1/subscriptions/upgrade", {"plan": "enterprise"}, expect=200)

    def told_time():
        """What the service says the time is."""
        return s.anonymous().get("/health").headers["date"]

    def make(client, count=5):
        """Ids are greater than all before, whatever the clock does."""
        for _ in range(count):
            fresh = client.post("/api/v1/orgs", {"name": "x"}, expect=201).json["id"]
            assert not ids or fresh > ids[-1], (ids[-1], fresh)
            ids.append(fresh)

    def login():
        return s.login("ada@example.org")

    def deadline_holds():
        """Half a head is given up after ten seconds of real time, not of the wall clock."""
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", s.port)) as half:
            half.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n")
            half.settimeout(25)
            answer = half.recv(1000)
        took = time.monotonic() - began
        assert b" 408 " in answer and 5 < took < 20, (answer, took)

    def is_up():
        assert s.process.poll() is None
        s.anonymous().get("/ready", expect=200)
        s.anonymous().get("/metrics", expect=200)

    @case("the clock can be shifted at all")
    def _():
        before = told_time()
        make(ada)
        clock.shift(HOUR)
        hour = before[:-10]  # minutes and seconds pass by themselves
        deadline = time.monotonic() + 5
        while told_time()[:-10] == hour:
            assert time.monotonic() < deadline, before
            time.sleep(0.05)

    @case("an hour ahead: access tokens have expired, refreshing and signing in go on, nobody is locked out")
    def _():
        assert ada.get("/api/v1/me").code == "token_expired"
        fresh = s.anonymous().post("/api/v1/auth/refresh", {"refresh_token": ada.tokens["refresh_token"]}, expect=200).json
        ahead = Client(s, fresh["access_token"])
        ahead.get("/api/v1/me", expect=200)
        make(ahead)
        make(login())
        ada.tokens = fresh
        is_up()

    @case("back again, an hour behind what was seen: ids grow, tokens from the future are refused or good but never an error, signing in works")
    def _():
        clock.shift(0)
        ahead = Client(s, ada.tokens["access_token"])
        answer = ahead.get("/api/v1/me")
        assert answer.status in (200, 401), answer
        answer = s.anonymous().post("/api/v1/auth/refresh", {"refresh_token": ada.tokens["refresh_token"]})
        assert answer.status in (200, 401), answer
        make(login())
        is_up()

    @case("two hours back: the same, and what counts by time does not stand at its limit for hours")
    def _():
        clock.shift(-HOUR)
        behind = login()
        make(behind)
        # The limit of reads is reached by counting, and over within seconds.
        answers = [behind.get("/api/v1/me").status for _ in range(30)]
        assert answers.count(200) >= 25, answers
        limited = None
        for _ in range(4000):
            answer = behind.get("/api/v1/me")
            if answer.status == 429:
                limited = answer
                break
        if limited:
            wait = int(limited.headers["retry-after"])
            assert 1 <= wait <= 60, limited.headers
            clock.shift(-2 * HOUR)  # must not make it longer
            again = behind.get("/api/v1/me")
            assert again.status in (200, 401) or int(again.headers["retry-after"]) <= 60, again.headers
            clock.shift(-HOUR)
            time.sleep(wait)
            behind.get("/api/v1/me", expect=200)
        else:
            print("# the limit of reads was not reached")
        is_up()

    @case("a second factor: the code of the server's hour is good, once, and none of another hour")
    def _():
        client = s.register("two@example.org")
        while time.time() % 30 > 15:  # the code of the step before must not become that of two before
            time.sleep(0.5)
        at = time.time() - HOUR
        seed = client.post("/api/v1/auth/enable-2fa", {"password": PASSWORD}, expect=200).json["secret"]
        client.post("/api/v1/auth/verify-2fa", {"code": totp(seed, at - 30)}, expect=200)
        body = {"email": "two@example.org", "password": PASSWORD}
        assert s.anonymous().post("/api/v1/auth/login", {**body, "code": totp(seed)}).status == 401
        code = totp(seed, time.time() - HOUR)
        s.anonymous().post("/api/v1/auth/login", {**body, "code": code}, expect=200)
        assert s.anonymous().post("/api/v1/auth/login", {**body, "code": code}).status == 401, "a code is good once"
        clock.shift(-2 * HOUR)  # a code that was good earlier is not good again because the clock goes back
        assert s.anonymous().post("/api/v1/auth/login", {**body, "code": code}).status in (401, 429)
        clock.shift(-HOUR)

    @case("standing still: ids grow, every deadline of a connection holds")
    def _():
        clock.freeze()
        make(login(), 20)
        deadline_holds()
        is_up()

    @case("jumping about every few milliseconds under writes: no error, no crash, ids grow")
    def _():
        clock.shift(0)
        client = login()
        for i in range(60):
            clock.shift((i % 3 - 1) * 5)
            make(client, 1)
        is_up()

    @case("a start with a clock behind what is stored: new ids are above the old ones, reading and signing in work")
    def _():
        assert s.stop() == 0
        clock.shift(-HOUR)
        s.start()
        make(login())
        done = subprocess.run([binary, "doctor", "--data-dir", str(s.data)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        is_up()
        assert s.stop() == 0

    failed = run_cases(cases)
    if s.process.poll() is None:
        s.process.kill()
        s.process.wait()
    if not failed:
        shutil.rmtree(s.data, ignore_errors=True)
        s.log_path.unlink(missing_ok=True)
    shutil.rmtree(place, ignore_errors=True)
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:3]) else 0)
