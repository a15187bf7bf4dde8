#!/usr/bin/env python3
"""The service's HTTP as the wire shows it: transport.py PERIGEE. What is no request is refused with a problem document that can be
found in the log; methods that are known but not allowed get 405 and Allow, others 501 (RFC 9110 §9.1). TLS as curl and openssl see it:
versions, names, resumption, a certificate renewed while the service runs."""
import http.client
import json
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

from service import Service, run_cases

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "unit" / "net"))
from refusals import GOOD, REFUSED, request  # noqa: E402


def raw(port, data):
    """The first answer to these bytes: status, fields, body."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
        s.sendall(data)
        got = b""
        while b"\r\n\r\n" not in got:
            more = s.recv(65536)
            assert more, f"closed after {got!r}"
            got += more
        head, body = got.split(b"\r\n\r\n", 1)
        lines = head.decode("latin1").split("\r\n")
        fields = {n.lower(): v for n, v in (line.split(": ", 1) for line in lines[1:])}
        while len(body) < int(fields["content-length"]):
            more = s.recv(65536)
            assert more, f"closed within {body!r}"
            body += more
    return int(lines[0].split(" ")[1]), fields, body


def check_problem(status, fields, body, code=None):
    assert fields["content-type"] == "application/problem+json", fields
    document = json.loads(body)
    assert document["status"] == status and document["type"] == "urn:perigee:problem:" + document["code"], document
    assert document["title"] and document["request_id"] == fields["x-request-id"], document
    assert fields["x-content-type-options"] == "nosniff" and fields["cache-control"] == "no-store", fields
    assert code is None or document["code"] == code, document
    return document


TLS = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "tls"


class TlsService(Service):
    """With a certificate of its own that may be replaced."""

    def __init__(self, binary):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="perigee-tls-"))
        self.cert, self.key = self.folder / "cert.pem", self.folder / "key.pem"
        self.put(TLS / "localhost.pem", TLS / "localhost.key")
        super().__init__(binary, ["--tls-cert", str(self.cert), "--tls-key", str(self.key)])
        self.trust = ssl.create_default_context(cafile=str(TLS / "ca.pem"))

    def put(self, cert, key):
        shutil.copy(cert, self.cert)
        shutil.copy(key, self.key)

    def connect(self):
        return http.client.HTTPSConnection("localhost", self.port, timeout=30, context=self.trust)

    def __exit__(self, *exc):
        super().__exit__(*exc)
        shutil.rmtree(self.folder, ignore_errors=True)

    def shown(self):
        """The certificate a new client gets."""
        return ssl.get_server_certificate(("127.0.0.1", self.port))

    def openssl(self, *args, text=""):
        return subprocess.run(["openssl", "s_client", "-connect", f"localhost:{self.port}", "-servername", "localhost", "-CAfile", str(TLS / "ca.pem"), *args],
                              input=text, capture_output=True, text=True, timeout=30)


def tls_cases(case, s):
    @case("curl gets an answer over TLS with the name verified; over plain HTTP it does not; HSTS is told")
    def _():
        url = f"https://localhost:{s.port}/ready"
        got = subprocess.run(["curl", "-sS", "-i", "--cacert", str(TLS / "ca.pem"), url], capture_output=True, text=True, timeout=30)
        assert got.returncode == 0 and got.stdout.startswith("HTTP/1.1 200"), got
        assert re.search(r"(?mi)^strict-transport-security: max-age=31536000", got.stdout), got.stdout
        # Another name, and nobody we trust: curl's 60.
        wrong = subprocess.run(["curl", "-sS", "--cacert", str(TLS / "ca.pem"), f"https://127.0.0.1:{s.port}/ready"], capture_output=True, timeout=30)
        assert wrong.returncode == 60, wrong
        plain = subprocess.run(["curl", "-sS", f"http://localhost:{s.port}/ready"], capture_output=True, timeout=30)
        assert plain.returncode != 0, plain
        assert s.anonymous().get("/ready").status == 200

    @case("openssl: TLS 1.2 with forward secrecy and an AEAD; nothing older, nothing weaker")
    def _():
        good = s.openssl("-tls1_2", "-verify_return_error")
        assert good.returncode == 0 and "Verify return code: 0 (ok)" in good.stdout, good
        assert re.search(r"Cipher is ECDHE-(ECDSA|RSA)-(AES|CHACHA)", good.stdout), good.stdout
        for args in (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1_2", "-cipher", "AES128-SHA:AES256-GCM-SHA384:@SECLEVEL=0"],
                     ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0"]):
            refused = s.openssl(*args)
            assert "Cipher is (NONE)" in refused.stdout, (args, refused)

    @case("openssl: a session is resumed; a second handshake within one is not begun")
    def _():
        again = s.openssl("-tls1_2", "-reconnect", text="")
        assert again.stdout.count("Reused, TLSv1.2") >= 4, again.stdout[-2000:]
        renegotiated = s.openssl("-tls1_2", text="R\n")
        assert "no renegotiation" in renegotiated.stderr, renegotiated
        assert s.anonymous().get("/ready").status == 200

    @case("SIGHUP shows a renewed certificate to new connections; open ones go on; a broken file changes nothing and is told")
    def _():
        old = s.shown()
        conn = s.connect()
        conn.request("GET", "/ready")
        assert conn.getresponse().read()
        fresh = s.folder / "fresh"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{fresh}.key", "-out", f"{fresh}.pem",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        s.put(f"{fresh}.pem", f"{fresh}.key")
        assert s.shown() == old, "not before it is asked for"
        s.process.send_signal(signal.SIGHUP)
        wait_for(lambda: s.shown() == pathlib.Path(f"{fresh}.pem").read_text(), "the new certificate")
        conn.request("GET", "/ready")
        assert conn.getresponse().status == 200, "the old connection lives"
        conn.close()
        for cert, key in (("/dev/null", f"{fresh}.key"), (f"{fresh}.pem", TLS / "localhost.key"), (f"{fresh}.pem", "/dev/null")):
            told = s.log_text().count("reload_failed")
            s.put(cert, key)
            s.process.send_signal(signal.SIGHUP)
            wait_for(lambda: s.log_text().count("reload_failed") == told + 1, "a word in the log")
            assert s.shown() == pathlib.Path(f"{fresh}.pem").read_text()
        s.put(TLS / "localhost.pem", TLS / "localhost.key")
        s.process.send_signal(signal.SIGHUP)
        wait_for(lambda: s.shown() == old, "the first one again")

    @case("who speaks no TLS, or stops in the middle of it, disturbs nobody")
    def _():
        hello = bytes.fromhex("1603010200010001fc0303")
        open_ones = [socket.create_connection(("127.0.0.1", s.port), timeout=20) for _ in range(20)]
        for i, c in enumerate(open_ones):
            c.sendall([b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", hello, b"\x16", b"\x15\x03\x03\x00\x02\x02\x28", b"\0" * 600][i % 5])
        assert s.anonymous().get("/ready").status == 200
        for c in open_ones:
            c.close()
        assert s.anonymous().get("/ready").status == 200


def bad_certificates(binary):
    with tempfile.TemporaryDirectory() as folder:
        for cert, key, want in ((TLS / "nothing.pem", TLS / "localhost.key", "nothing.pem"), (TLS / "localhost.pem", TLS / "nothing.key", "nothing.key"),
                                (TLS / "README.md", TLS / "localhost.key", "README.md"), (TLS / "localhost.pem", TLS / "README.md", "README.md"),
                                (TLS / "localhost.pem", TLS / "other.example.key", "is not the key of")):
            got = subprocess.run([binary, "serve", "--data-dir", folder, "--listen", "127.0.0.1:0", "--tls-cert", str(cert), "--tls-key", str(key)],
                                 capture_output=True, text=True, timeout=30)
            assert got.returncode == 1 and want in got.stderr and "listening" not in got.stderr, got
        got = subprocess.run([binary, "serve", "--data-dir", folder, "--tls-cert", "x"], capture_output=True, text=True, timeout=30)
        assert got.returncode == 2 and "tls-key" in got.stderr, got


def wait_for(condition, what, wait_s=20):
    deadline = time.monotonic() + wait_s
    while not condition():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.02)


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    with Service(binary) as s:
        @case(f"{len(REFUSED)} ways not to be a request: a problem document each, the connection closed, the service goes on")
        def _():
            for name, want, data in REFUSED:
                status, fields, body = raw(s.port, data + GOOD)
                assert status in (want if isinstance(want, set) else {want}), f"{name}: {status} {body!r}"
                assert fields.get("connection") == "close", f"{name}: {fields}"
                check_problem(status, fields, body)
            assert s.anonymous().get("/ready").status == 200

        @case("the id of a refusal is in the log")
        def _():
            document = check_problem(*raw(s.port, request("GET /ready HTTP/1.1", "Content-Length: x")), code="malformed_request")
            line = next(json.loads(text) for text in reversed(s.log_lines()) if document["request_id"] in text)
            assert line["event"] == "refused" and line["status"] == 400 and line["detail"] == document["detail"] and line["ip"] == "127.0.0.1", line

        @case("TRACE is known and never allowed: 405 with Allow; not found where there is nothing")
        def _():
            status, fields, body = raw(s.port, request("TRACE /api/v1/me HTTP/1.1"))
            check_problem(status, fields, body, code="method_not_allowed")
            assert status == 405 and set(fields["allow"].split(", ")) >= {"GET", "PATCH", "DELETE"}, fields
            assert b"Host" not in body
            status, fields, body = raw(s.port, request("TRACE /nowhere HTTP/1.1"))
            assert status == 404, (status, body)
            status, fields, body = raw(s.port, request("DELETE /api/v1/auth/login HTTP/1.1"))
            assert status == 405 and fields["allow"] == "POST", fields

        @case("a method nobody knows: 501")
        def _():
            for method in ("BREW", "PROPFIND", "get"):
                status, fields, body = raw(s.port, request(f"{method} /api/v1/me HTTP/1.1"))
                assert status == 501, (method, status)
                check_problem(status, fields, body, code="not_implemented")

        @case("the WebSocket's address refuses what is no WebSocket")
        def _():
            status, fields, body = raw(s.port, request("GET /api/v1/ws HTTP/1.1"))
            check_problem(status, fields, body, code="upgrade_required")
            assert status == 426 and fields["upgrade"] == "websocket", fields
            status, fields, body = raw(s.port, request("DELETE /api/v1/ws HTTP/1.1"))
            check_problem(status, fields, body, code="method_not_allowed")
            assert status == 405 and fields["allow"] == "GET", fields
            hello = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
            status, fields, body = raw(s.port, request("GET /api/v1/ws HTTP/1.1", *hello, "Sec-WebSocket-Key: short"))
            check_problem(status, fields, body, code="malformed_request")
            status, fields, body = raw(s.port, request("GET /api/v1/ws HTTP/1.1", *hello, "Origin: https://evil.example"))
            check_problem(status, fields, body, code="forbidden")
            assert status == 403

        missing = [tool for tool in ("curl", "openssl") if not shutil.which(tool)]
        if missing:
            case(f"TLS # SKIP {' and '.join(missing)} missing")(lambda: None)
            return run_cases(cases)
        case("a certificate or key that cannot be used: told at the start, by file")(lambda: bad_certificates(binary))
        with TlsService(binary) as tls:
            tls_cases(case, tls)
            return run_cases(cases)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
