#!/usr/bin/env python3
"""The service's HTTP as the wire shows it: transport.py PERIGEE. What is no request is refused with a problem document that can be
found in the log; methods that are known but not allowed get 405 and Allow, others 501 (RFC 9110 §9.1)."""
import json
import pathlib
import socket
import sys

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

        return run_cases(cases)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
