"""A running `perigee serve` for tests: its own data directory, a free port, a client that keeps tokens apart from one another.

    with Service(binary) as s:
        ada = s.register("ada@example.org")
        ada.post("/api/v1/strategies", {"name": "x", "source": "…"}, expect=201)
"""
import base64
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import sqlite3
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import Skip, run_cases  # noqa: E402, F401 - its users take them from here

PASSWORD = "correct horse battery staple"
NO_VENUES = "bybit=http://127.0.0.1:9 luno=http://127.0.0.1:9"  # nobody listens there: no test ever speaks to a real venue


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body) if self.body else None

    @property
    def code(self):
        """The problem's code, or None."""
        if self.headers.get("content-type", "").startswith("application/problem+json"):
            return self.json["code"]
        return None

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


class Client:
    """One principal. token None: nobody."""

    def __init__(self, service, token=None, headers=None):
        self.service, self.token, self.headers = service, token, headers or {}
        self.me = None

    def call(self, method, path, body=None, expect=None, headers=None, raw=None):
        fields = {**self.headers, **(headers or {})}
        if self.token:
            fields.setdefault("Authorization", f"Bearer {self.token}")
        data = raw
        if body is not None:
            data = json.dumps(body)
            fields.setdefault("Content-Type", "application/json")
        conn = self.service.connect()
        try:
            conn.request(method, path, data, fields)
            response = conn.getresponse()
            answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            conn.close()
        if expect is not None:
            assert answer.status == expect, f"{method} {path}: {answer} instead of {expect}"
        return answer

    def get(self, path, **kw):
        return self.call("GET", path, **kw)

    def post(self, path, body=None, **kw):
        return self.call("POST", path, body, **kw)

    def patch(self, path, body=None, **kw):
        return self.call("PATCH", path, body, **kw)

    def put(self, path, body=None, **kw):
        return self.call("PUT", path, body, **kw)

    def delete(self, path, body=None, **kw):
        return self.call("DELETE", path, body, **kw)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=90)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(str(self.path))


class Service:
    def __init__(self, binary, args=(), data=None, env=None):
        self.binary = str(pathlib.Path(binary).resolve())
        self.args, self.env = list(args), env
        self.own_data = data is None
        self.data = pathlib.Path(data or tempfile.mkdtemp(prefix="perigee-test-"))
        self.port = free_port()
        self.process = None
        self.log = None
        self.start_s = 20

    def start(self):
        self.log = open(self.data.parent / f"{self.data.name}.log", "ab")
        self.process = subprocess.Popen(
            [self.binary, "serve", "--data-dir", str(self.data), "--listen", f"127.0.0.1:{self.port}", *self.args],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env={**os.environ, "PERIGEE_RATE_PERCENT": "0", "PERIGEE_CHECK_ANSWERS": "1",
                                                                                              "PERIGEE_VENUE_URL": NO_VENUES, **(self.env or {})})
        deadline = time.monotonic() + self.start_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"serve ended with {self.process.returncode}:\n{self.log_text()[-3000:]}")
            try:
                if self.anonymous().get("/ready").status == 200:
                    return self
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"not ready in {self.start_s} s:\n{self.log_text()[-3000:]}")

    def stop(self, signum=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signum)
            self.process.wait(60)
        code = self.process.returncode if self.process else None
        self.log.close()
        return code

    def killed_and_back(self, trader=None, between=None):
        """SIGKILL and a new start; between: a statement for control.db meanwhile. trader (live.Trader) is signed in again."""
        self.stop(signal.SIGKILL)
        if between:
            with sqlite3.connect(self.data / "control.db") as db:
                db.execute(between)
            db.close()
        self.start()
        if trader:
            trader.client = self.login("ada@example.org")

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        code = self.stop()
        if exc[0] is None:
            assert code == 0, f"serve ended with {code}:\n{self.log_text()[-3000:]}"
            strange = [line for line in self.log_text().splitlines() if "event_undocumented" in line]
            assert not strange, f"not as engine/api/routes/stream.json says: {strange[:5]}"
        else:
            print(self.log_text()[-3000:])
        if self.own_data and exc[0] is None:
            shutil.rmtree(self.data, ignore_errors=True)
            self.log_path.unlink(missing_ok=True)

    @property
    def log_path(self):
        return self.data.parent / f"{self.data.name}.log"

    def log_text(self):
        """All whole lines: the last may be half written this moment."""
        text = self.log_path.read_text(errors="replace")
        return text[:text.rfind("\n") + 1]

    def log_lines(self, wait_s=0.4):
        """The log once lines that are gathered have been written."""
        time.sleep(wait_s)
        return self.log_text().splitlines()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)

    def anonymous(self):
        return Client(self)

    def operator(self):
        """Calls over the unix socket, as the server's own user."""
        operator = Client(self)
        service = self

        class OverUnix:
            def connect(self):
                return UnixConnection(service.data / "perigee.sock")
        operator.service = OverUnix()
        return operator

    def mails(self):
        """Mails as the file transport wrote them, oldest first."""
        return [p.read_text(errors="replace") for p in sorted((self.data / "outbox").glob("*.txt"))]

    def mailed_token(self, address, wait_s=10):
        """The newest token mailed to an address."""
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline:
            for mail in reversed(self.mails()):
                if address in mail:
                    found = re.search(r"(?:token=|token: *\n?|code: *\n?)([A-Za-z0-9_-]{20,})", mail)
                    if found:
                        return found.group(1)
            time.sleep(0.02)
        raise AssertionError(f"no mail with a token to {address}")

    def login(self, email, password=PASSWORD):
        tokens = self.anonymous().post("/api/v1/auth/login", {"email": email, "password": password}, expect=200).json
        client = Client(self, tokens["access_token"])
        client.tokens = tokens
        client.me = client.get("/api/v1/me", expect=200).json
        return client

    def register(self, email, password=PASSWORD):
        """Registers, verifies and signs in."""
        self.anonymous().post("/api/v1/auth/register", {"email": email, "password": password, "name": email.split("@")[0]}, expect=202)
        self.anonymous().post("/api/v1/auth/verify-email", {"token": self.mailed_token(email)}, expect=204)
        return self.login(email, password)

    def token_secrets(self):
        """Keys that could sign access tokens: every 32 bytes, raw, hex or base64url, in files of the data directory that are not the database."""
        for path in self.data.rglob("*"):
            if not path.is_file() or path.stat().st_size > 65536 or ".db" in path.name:
                continue
            raw = path.read_bytes()
            if len(raw) == 32:
                yield raw
            for word in re.findall(rb"[A-Za-z0-9_-]{43,64}", raw):
                if re.fullmatch(rb"[0-9a-f]{64}", word):
                    yield bytes.fromhex(word.decode())
                elif len(word) == 43:
                    yield base64.urlsafe_b64decode(word + b"=")
