#!/usr/bin/env python3
"""Mail from the real binary to a mail server that nobody here wrote (aiosmtpd): mail.py PERIGEE. STARTTLS and TLS under a test CA,
sign-in, refusals for now and for good, connections cut at the worst moment; and servers that are no mail servers."""
import base64
import email
import email.policy
import json
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

from service import Service, run_cases

HERE = pathlib.Path(__file__).resolve().parent
TLS = HERE.parent / "fixtures" / "tls"
FROM = "robot@perigee.example"
USER, SECRET = "robot@mx", "pass:w/rd @ 1"


def python_with_aiosmtpd():
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import aiosmtpd"], capture_output=True).returncode == 0:
            return python
    return None


class MailServer:
    def __init__(self, python, *args):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="perigee-mail-"))
        self.events_path = self.folder / "events"
        self.process = subprocess.Popen([python, str(HERE / "mail_server.py"), str(self.events_path), *args], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.port = int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def events(self, kind, to=None):
        if not self.events_path.exists():
            return []
        all_of_them = [json.loads(line) for line in self.events_path.read_text().splitlines()]
        return [e for e in all_of_them if e["event"] == kind and (to is None or e["to"] == to)]

    def wait(self, kind, to, count=1):
        return wait_for(lambda: len(self.events(kind, to)) >= count and self.events(kind, to), f"{count} × {kind} {to}")


def wait_for(condition, what, wait_s=20):
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"in vain: {what}")


class Talker(threading.Thread):
    """A server that says `lines`, one after each thing it hears (the first at once), and hangs up after them."""

    def __init__(self, lines):
        super().__init__(daemon=True)
        self.lines, self.heard = lines, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            with conn:
                try:
                    for line in self.lines:
                        conn.sendall(line)
                        self.heard.append(conn.recv(65536))
                except OSError:
                    pass


def outbox(service, address):
    """How a mail stands: (attempts, sent, given up, has a body, error)."""
    with sqlite3.connect(f"file:{next(service.data.rglob('control.db'))}?mode=ro", uri=True) as db:
        rows = db.execute("SELECT attempts, sent_ns IS NOT NULL, next_ns IS NULL AND sent_ns IS NULL, body IS NOT NULL, last_error FROM outbox WHERE recipient = ?"
                          " ORDER BY id", (address,)).fetchall()
    assert len(rows) <= 1, rows
    return rows[0] if rows else None


def register(service, address):
    service.anonymous().post("/api/v1/auth/register", {"email": address, "password": "correct horse battery staple", "name": "Somebody"}, expect=202)


def hurry(service):
    """Waits of failed mails are over; only while the service is down."""
    with sqlite3.connect(next(service.data.rglob("control.db"))) as db:
        db.execute("UPDATE outbox SET next_ns = 1 WHERE next_ns IS NOT NULL")


def parse(event):
    return email.message_from_bytes(event["text"].encode("latin1"), policy=email.policy.default)


def main(binary):
    python = python_with_aiosmtpd()
    if not python:
        print("1..0 # SKIP aiosmtpd is not installed (python3-aiosmtpd)")
        return 0
    cases = []
    folder = pathlib.Path(tempfile.mkdtemp(prefix="perigee-mail-"))
    password_file = folder / "password"
    password_file.write_text(SECRET + "\n")
    cert = ["--cert", str(TLS / "localhost.pem"), "--key", str(TLS / "localhost.key")]
    sign_in = ["--user", USER, "--password", SECRET]
    trust = ["--mail-from", FROM, "--mail-ca", str(TLS / "ca.pem")]
    secret = ["--mail-password-file", str(password_file)]

    def case(title):
        return lambda f: cases.append((title, f)) or f

    def url(server, scheme="smtp", user="robot%40mx@", host="localhost"):
        return ["--mail", f"{scheme}://{user}{host}:{server.port}"]

    @case("STARTTLS, signed in: a mail arrives whole, once, and its link works")
    def _():
        with MailServer(python, *cert, *sign_in) as mx, Service(binary, [*url(mx), *trust, *secret, "--public-url", "https://perigee.example"]) as s:
            register(s, "ann@example.org")
            got, = mx.wait("mail", "ann@example.org")
            assert got["tls"] and got["user"] == USER and got["sender"] == FROM, got
            m = parse(got)
            assert m["from"].addresses[0].addr_spec == FROM and m["from"].addresses[0].display_name == "Perigee", m["from"]
            assert m["to"].addresses[0].addr_spec == "ann@example.org" and m["subject"] and m["auto-submitted"] == "auto-generated"
            assert re.fullmatch(r"<eml_\w+@perigee\.example>", m["message-id"].strip()) and abs(m["date"].datetime.timestamp() - time.time()) < 60
            assert not m.defects and "\r\n" in got["text"] and not re.search(r"(?<!\r)\n", got["text"])
            token = re.search(r"https://perigee\.example/\S*token=([\w-]{20,})", m.get_content()).group(1)
            s.anonymous().post("/api/v1/auth/verify-email", {"token": token}, expect=204)
            wait_for(lambda: outbox(s, "ann@example.org")[:4] == (1, 1, 0, 0), "marked as sent, its body gone")
            ann = s.login("ann@example.org")
            ann.post("/api/v1/subscriptions/upgrade", {"plan": "enterprise"}, expect=200)
            org = ann.post("/api/v1/orgs", {"name": "Grüße =\u200b ☃"}, expect=201).json
            ann.post("/api/v1/subscriptions/upgrade", {"plan": "enterprise"}, headers={"Perigee-Tenant": org["id"]}, expect=200)
            ann.post(f"/api/v1/orgs/{org['id']}/invitations", {"email": "bob@example.org", "role": "viewer"}, expect=201)
            invitation = parse(mx.wait("mail", "bob@example.org")[0])
            assert "\"Grüße =\u200b ☃\" as viewer" in invitation.get_content() and not invitation.defects, invitation
            # More of them, over the same connection.
            for i in range(5):
                register(s, f"more{i}@example.org")
            peers = {tuple(mx.wait("mail", f"more{i}@example.org")[0]["peer"]) for i in range(5)}
            told = [parse(e)["subject"] for e in mx.events("mail")].count("Your plan is Enterprise now")  # the notices of both upgrades
            assert told == 2 and len(mx.events("mail")) == 7 + told and len(peers) == 1, "each once, over one connection"
            logs = s.log_lines()
            assert sum('"mail_sent"' in line for line in logs) == 7 + told
            coded = base64.b64encode(f"\0{USER}\0{SECRET}".encode()).decode()
            assert not any(SECRET in line or coded in line for line in logs)
            assert "perigee_mail_sent_total 9" in s.anonymous().get("/metrics").body.decode()

    @case("TLS from the first byte; the password from the environment, where no child finds it")
    def _():
        with MailServer(python, *cert, "--tls", *sign_in) as mx, Service(binary, [*url(mx, "smtps"), *trust], env={"PERIGEE_MAIL_PASSWORD": SECRET}) as s:
            register(s, "ann@example.org")
            got, = mx.wait("mail", "ann@example.org")
            assert got["tls"] and got["user"] == USER

    @case("a certificate for another name, or from nobody we trust: no mail, no password, and the reason is told")
    def _():
        other = ["--cert", str(TLS / "other.example.pem"), "--key", str(TLS / "other.example.key")]
        for args, ca in ((other, "ca.pem"), (cert, "other.example.pem")):
            for scheme, implicit in (("smtp", []), ("smtps", ["--tls"])):
                with MailServer(python, *args, *implicit, *sign_in) as mx, \
                     Service(binary, [*url(mx, scheme), "--mail-from", FROM, "--mail-ca", str(TLS / ca), *secret]) as s:
                    register(s, "ann@example.org")
                    state = wait_for(lambda: outbox(s, "ann@example.org") if outbox(s, "ann@example.org")[0] else None, "an attempt")
                    assert state[:4] == (1, 0, 0, 1) and "certificate" in state[4], state
                    assert not mx.events("auth") and not mx.events("mail")

    @case("a server without STARTTLS gets neither password nor mail, unless it is this machine or plain is said")
    def _():
        with MailServer(python) as mx:
            with Service(binary, [*url(mx, user="", host="127.0.0.1"), "--mail-from", FROM]) as s:
                register(s, "local@example.org")
                assert not mx.wait("mail", "local@example.org")[0]["tls"]
            with Service(binary, [*url(mx, "smtp+plain", user=""), "--mail-from", FROM]) as s:
                register(s, "plain@example.org")
                mx.wait("mail", "plain@example.org")

    @case("a wrong password: tried again later, the reason told")
    def _():
        wrong = folder / "wrong"
        wrong.write_text("not it\n")
        with MailServer(python, *cert, *sign_in) as mx, Service(binary, [*url(mx), *trust, "--mail-password-file", str(wrong)]) as s:
            register(s, "ann@example.org")
            mx_said = wait_for(lambda: outbox(s, "ann@example.org")[4], "an error")
            assert mx_said.startswith("AUTH: 535"), mx_said
            assert not mx.events("mail")

    @case("a server that refuses us, not the recipient: nothing is given up, and the operator is alarmed until a mail goes through")
    def _():
        with MailServer(python, *cert, *sign_in) as mx:
            s = Service(binary, [*url(mx), *trust, *secret]).start()
            refused = lambda: re.search(r"^perigee_mail_refused (\d)", s.anonymous().get("/metrics").body.decode(), re.M).group(1)  # noqa: E731
            assert refused() == "0"
            register(s, "relay@example.org")
            wait_for(lambda: outbox(s, "relay@example.org")[0] == 1, "an attempt")
            state = outbox(s, "relay@example.org")
            assert state[:4] == (1, 0, 0, 1) and state[4] == "RCPT: 554 5.7.1 Relay access denied", state
            assert refused() == "1"
            lines = [json.loads(line) for line in s.log_lines() if '"mail_refused"' in line]
            assert len(lines) == 1 and lines[0]["level"] == "error" and not lines[0]["given_up"] and "mail-from" in lines[0]["mend"], lines
            register(s, "never@example.org")
            wait_for(lambda: outbox(s, "never@example.org")[:4] == (1, 0, 1, 0), "the recipient is refused")
            assert refused() == "1", "that somebody is unknown there shows nothing"
            register(s, "ann@example.org")
            mx.wait("mail", "ann@example.org")
            wait_for(lambda: refused() == "0", "the alarm ends")
            assert s.stop() == 0
            hurry(s)
            s.start()
            wait_for(lambda: outbox(s, "relay@example.org")[:4] == (2, 1, 0, 0), "it is sent")
            assert s.stop() == 0
            shutil.rmtree(s.data)
            s.log_path.unlink()

    @case("451, and 554 for what it is, then accepted; 550 for good, with the reason; a connection cut after the text")
    def _():
        with MailServer(python, *cert, *sign_in) as mx:
            s = Service(binary, [*url(mx), *trust, *secret]).start()
            for name in ("later", "never", "spam", "cut", "ann"):
                register(s, f"{name}@example.org")
            mx.wait("mail", "ann@example.org")
            wait_for(lambda: outbox(s, "cut@example.org")[0] == 1, "the cut is noticed")
            state = {name: outbox(s, f"{name}@example.org") for name in ("later", "never", "spam", "cut", "ann")}
            assert state["later"][:4] == (1, 0, 0, 1) and state["later"][4] == "RCPT: 451 4.7.1 Greylisted, come again", state["later"]
            assert state["never"][:4] == (1, 0, 1, 0) and state["never"][4].startswith("RCPT: 550 5.1.1 Nobody of that name"), state["never"]
            assert "\x1b" not in state["never"][4] and "\t" not in state["never"][4]
            assert state["spam"][:4] == (1, 0, 0, 1) and state["spam"][4] == "the text: 554 5.7.1 This looks like spam", state["spam"]
            assert state["cut"][:4] == (1, 0, 0, 1) and "may have arrived" in state["cut"][4], state["cut"]
            assert any('"mail_failed"' in line and '"given_up":true' in line for line in s.log_lines())
            assert s.stop() == 0
            hurry(s)
            s.start()
            for name in ("later", "cut", "spam"):
                wait_for(lambda: outbox(s, f"{name}@example.org")[:4] == (2, 1, 0, 0), f"{name} is sent")
            twice = mx.events("mail", "cut@example.org")
            assert len(twice) == 2 and parse(twice[0])["message-id"] == parse(twice[1])["message-id"], "sent twice, and recognizable"
            assert len(mx.events("mail", "later@example.org")) == 1
            assert not any(len(mx.events(kind, f"{name}@example.org")) > 1 for kind, name in (("rcpt", "never"), ("mail", "ann")))
            assert s.stop() == 0
            shutil.rmtree(s.data)
            s.log_path.unlink()

    @case("killed with mail on its way: after the restart each arrives, at most the one under way twice")
    def _():
        with MailServer(python, *cert, *sign_in) as mx:
            s = Service(binary, [*url(mx), *trust, *secret]).start()
            for i in range(8):
                register(s, f"m{i}@example.org")
            mx.wait("mail", "m1@example.org")
            s.stop(9)
            s.start()
            for i in range(8):
                mx.wait("mail", f"m{i}@example.org")
                wait_for(lambda: outbox(s, f"m{i}@example.org")[1], f"m{i} is marked")
            copies = [len(mx.events("mail", f"m{i}@example.org")) for i in range(8)]
            assert sum(copies) <= 9 and min(copies) == 1, copies
            assert s.stop() == 0
            shutil.rmtree(s.data)
            s.log_path.unlink()

    @case("servers that are no mail servers: told in the outbox, the service goes on, and stops at once when asked")
    def _():
        hello = [b"220 x ESMTP\r\n", b"250 x\r\n"]
        talkers = {
            "no reply": [b"SSH-2.0-OpenSSH_9.2\r\n"], "a line without an end": [b"220 " + b"x" * 100000], "without an end": [b"220-x\r\n" * 5000],
            "talks out of turn": [b"220 x\r\n250 x\r\n250 x\r\n"], "RCPT: the server closed": [*hello, b"250 ok\r\n"][:3], "EHLO: 502": [hello[0], b"502 what\r\n"],
            "two codes": [hello[0], b"250-x\r\n251 y\r\n"], "connection": [], "MAIL: 421": [*hello, b"421 \xff\xfebye\r\n"],
            "DATA": [*hello, b"250 ok\r\n", b"250 ok\r\n", b"\0\0\0\r\n"]}
        for want, lines in talkers.items():
            talker = Talker(lines)
            with Service(binary, ["--mail", f"smtp://127.0.0.1:{talker.port}", "--mail-from", FROM]) as s:
                register(s, "ann@example.org")
                state = wait_for(lambda: outbox(s, "ann@example.org") if outbox(s, "ann@example.org")[0] else None, want)
                assert state[:4] == (1, 0, 0, 1) and state[4].isprintable(), (want, state)
                assert want in state[4] or want == "connection", (want, state)
            talker.listener.close()
        silent = socket.create_server(("127.0.0.1", 0))
        with Service(binary, ["--mail", f"smtp://127.0.0.1:{silent.getsockname()[1]}", "--mail-from", FROM]) as s:
            register(s, "ann@example.org")
            talk, _ = silent.accept()
            assert s.stop() == 0
            state = outbox(s, "ann@example.org")
            assert state[1:4] == (0, 0, 1) and "timed out" not in (state[4] or ""), f"the end waited for a silent mail server: {state}"
            talk.close()

    @case("no server at all: told, tried again, and nothing else waits for it")
    def _():
        with socket.create_server(("127.0.0.1", 0)) as gone:
            port = gone.getsockname()[1]
        with Service(binary, ["--mail", f"smtp://127.0.0.1:{port}", "--mail-from", FROM]) as s:
            register(s, "ann@example.org")
            state = wait_for(lambda: outbox(s, "ann@example.org") if outbox(s, "ann@example.org")[0] else None, "an attempt")
            assert state[:4] == (1, 0, 0, 1) and "connecting" in state[4] and "refused" in state[4], state

    @case("settings that cannot work are told at the start")
    def _():
        for args, want in ((["--mail", "smtp://"], "host"), (["--mail", "http://x"], "smtp://HOST"), (["--mail", "smtp://mx.example.net"], "mail-from"),
                           (["--mail", "smtp://mx.example.net", "--mail-from", "a\nb@c"], "mail-from"),
                           (["--mail", "smtp://mx.example.net", "--mail-from", FROM, "--mail-ca", "/nonexistent"], "/nonexistent"),
                           (["--mail", "smtp://u@mx.example.net", "--mail-from", FROM, "--mail-password-file", "/nonexistent"], "/nonexistent")):
            with tempfile.TemporaryDirectory() as data:
                got = subprocess.run([binary, "serve", "--data-dir", data, "--listen", "127.0.0.1:0", *args], capture_output=True, text=True, timeout=30,
                                     env={k: v for k, v in os.environ.items() if not k.startswith("PERIGEE_M")})
                assert got.returncode in (1, 2) and want in got.stderr, (args, got)

    try:
        return run_cases(cases)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
