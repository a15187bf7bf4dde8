#!/usr/bin/env python3
"""Secrets that went through the service are found nowhere afterwards: canary.py PERIGEE. Prints TAP.

Each secret is one of a kind: credentials of a venue, a password, the seed of a second factor, an API key, tokens, the master key.
Looked for as they are, in hex, in base64 and as UTF-16: in every file of the data directory (databases, their logs, mails apart),
in backups, exports, the log and the metrics; and in the memory of the running process once the requests are over, which needs
root and gcore (Debian: gdb)."""
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from auth import totp
from service import Client, Service, Skip, run_cases

NOISE = 20  # requests of another customer, which go over used stacks as on any day


def forms(secret):
    raw = secret if isinstance(secret, bytes) else secret.encode()
    return {"as it is": raw, "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode(), "base64": base64.b64encode(raw)[:-4], "UTF-16": raw.decode("latin1").encode("utf-16-le")}


def found_in(where, data, secrets, spare=()):
    return [f"{name}, {form}, {data.count(text)} times in {where}" for name, secret in secrets.items() if name not in spare
            for form, text in forms(secret).items() if text in data]


def without_empty(memory, block=1 << 16):
    """What was never written to, which is most of it, holds no secret and takes long to search."""
    return b"".join(part for part in (memory[at:at + block] for at in range(0, len(memory), block)) if part.strip(b"\0"))


def core_of(pid, *options):
    """The memory of a process as gcore writes it."""
    with tempfile.TemporaryDirectory(prefix="perigee-core-") as tmp:
        done = subprocess.run(["gcore", *options, "-o", f"{tmp}/core", str(pid)], capture_output=True, text=True, timeout=120)
        files = list(pathlib.Path(tmp).glob("core.*"))
        assert files, done.stdout[-500:] + done.stderr[-500:]
        return without_empty(files[0].read_bytes())


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    password = "Zx9-" + base64.b32encode(os.urandom(15)).decode()
    secrets = {"password": password, "new password": "Qw7-" + base64.b32encode(os.urandom(15)).decode()}
    for field in ("api_key", "api_secret", "passphrase"):
        secrets[f"venue {field}"] = "CANARY" + base64.b32encode(os.urandom(15)).decode()
    long_secret = "LONG" + base64.b64encode(os.urandom(2000)).decode()
    place = pathlib.Path(tempfile.mkdtemp(prefix="perigee-canary-"))
    export = b""
    # The log at its most talkative; no sanitizer's quarantine in the way of what is looked for.
    with Service(binary, env={"PERIGEE_LOG_LEVEL": "info"}) as s:
        ada = s.register("ada@example.org", password)
        ada.post("/api/v1/subscriptions/upgrade", {"plan": "enterprise"}, expect=200)
        seed = ada.post("/api/v1/auth/enable-2fa", {"password": password}, expect=200).json["secret"]
        secrets["seed of the second factor"] = base64.b32decode(seed + "=" * (-len(seed) % 8))
        secrets["seed, base32"] = seed
        ada.post("/api/v1/auth/verify-2fa", {"code": totp(seed, time.time() - 30)}, expect=200)
        tokens = s.anonymous().post("/api/v1/auth/login", {"email": "ada@example.org", "password": password, "code": totp(seed)}, expect=200).json
        ada = Client(s, tokens["access_token"])
        body = {"venue": "bybit", "name": "Main", "secrets": {field: secrets[f"venue {field}"] for field in ("api_key", "api_secret", "passphrase")}}
        account = ada.post("/api/v1/accounts", body, headers={"Idempotency-Key": "once"}, expect=201).json["id"]
        ada.put(f"/api/v1/accounts/{account}/secrets", {"secrets": {**body["secrets"], "long": long_secret}}, expect=204)
        secrets["long secret"] = long_secret
        secrets["API key"] = ada.post("/api/v1/me/api-keys", {"name": "k", "scopes": ["read"]}, headers={"Idempotency-Key": "key"}, expect=201).json["key"]
        Client(s, secrets["API key"]).get("/api/v1/strategies", expect=200)
        secrets["refresh token"] = tokens["refresh_token"]
        secrets["access token"] = tokens["access_token"]
        # Refused ones too: an answer that quotes its request, a log line of a failure.
        for path, refused in (("/api/v1/accounts", {**body, "secrets": {"Bad Field": secrets["venue api_key"]}}), ("/api/v1/accounts", {**body, "venue": "no such venue!"}),
                              ("/api/v1/auth/login", {"email": "ada@example.org", "password": secrets["new password"]}),
                              ("/api/v1/auth/register", {"email": secrets["venue api_key"], "password": password})):
            answer = ada.post(path, refused)
            assert answer.status >= 400 and not found_in(path, answer.body, secrets), answer
        ada.call("POST", "/api/v1/accounts", raw=json.dumps(body).encode() + b"}", headers={"Content-Type": "application/json"}, expect=400)
        ada.get(f"/api/v1/accounts?cursor={secrets['venue api_key']}")
        export = ada.get("/api/v1/me/export", expect=200).body
        for path in (s.data / "keys").iterdir():
            secrets[f"file {path.name}"] = bytes.fromhex(path.read_text().strip())
        subprocess.run([binary, "backup", str(place / "copy"), "--data-dir", str(s.data)], check=True, capture_output=True)

        @case("databases, their logs, backups: no secret in any form")
        def _():
            files = [p for top in (s.data, place) for p in top.rglob("*") if p.is_file() and p.parent.name not in ("outbox", "keys")]
            assert {"control.db", "control.db-wal", "MANIFEST"} <= {p.name for p in files}, files
            found = [x for p in files for x in found_in(p.name, p.read_bytes(), secrets)]
            assert not found, "\n".join(found)

        @case("log, metrics, export, the operators' lists, mails: no secret in any form")
        def _():
            time.sleep(0.6)
            operator = s.operator()
            texts = {"log": s.log_text().encode(), "metrics": s.anonymous().get("/metrics").body, "export": export,
                     "audit": operator.get("/api/v1/admin/audit?limit=200", expect=200).body, "users": operator.get("/api/v1/admin/users", expect=200).body,
                     "accounts": ada.get("/api/v1/accounts", expect=200).body, "mails": "".join(s.mails()).encode()}
            assert all(len(t) > 50 for t in texts.values()), {k: len(v) for k, v in texts.items()}
            found = [x for where, text in texts.items() for x in found_in(where, text, secrets)]
            assert not found, "\n".join(found)

        @case("a process that crashes writes no core")
        def _():
            limits = pathlib.Path(f"/proc/{s.process.pid}/limits").read_text()
            assert next(line for line in limits.splitlines() if "core file size" in line).split()[4:6] == ["0", "0"], limits
            # Not dumpable: files of /proc belong to root, and nobody else may attach. Sanitizers need to.
            sanitized = b"__asan_init" in pathlib.Path(binary).read_bytes()
            if os.getuid() != 0 and not sanitized:
                assert os.stat(f"/proc/{s.process.pid}/mem").st_uid == 0

        @case("the memory of the process, once the requests are over")
        def _():
            if os.getuid() != 0 or not shutil.which("gcore"):
                raise Skip("needs root and gcore (Debian: gdb)")
            if b"__asan_init" in pathlib.Path(binary).read_bytes():
                raise Skip("a sanitizer keeps what was freed")
            bob = s.register("bob@example.org")
            for i in range(NOISE):
                bob.get("/api/v1/me", expect=200)
                bob.patch("/api/v1/me", {"name": f"Bob {i}"}, expect=200)
            # The keys live on, in pages of their own that are left out of a core; all else must be gone from those too.
            keys = [name for name in secrets if name.startswith("file ")]
            everything, core = core_of(s.process.pid, "-a"), core_of(s.process.pid)
            assert b"/api/v1/accounts" in core and found_in("memory", everything, {"master": secrets["file master-1.key"]}), "the memory was not read"
            print(f"# {len(everything) >> 20} MiB of memory, a core of {len(core) >> 20} MiB, {len(secrets)} secrets")
            found = found_in("memory", everything, secrets, keys) + found_in("a core", core, secrets)
            assert not found, "\n".join(found)

        failed = run_cases(cases)
    shutil.rmtree(place, ignore_errors=True)
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
