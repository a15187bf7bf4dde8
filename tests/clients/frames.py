#!/usr/bin/env python3
"""WebSocket frames made by hand, as no library would send them (RFC 6455): fragments, masks, reserved bits, lengths, UTF-8, close codes,
each sent to a running service over a raw socket: frames.py PERIGEE. Prints TAP."""
import base64
import hashlib
import http.client
import json
import os
import pathlib
import socket
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "service"))
from service import Service, run_cases  # noqa: E402

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
PING_TEXT = b'{"op":"ping"}'
MESSAGE_MAX, FRAGMENTS_MAX = 65536, 1024


def frame(opcode, payload=b"", fin=True, masked=True, rsv=0, form=None, claim=None):
    """form: bytes of the length (1, 2 or 8) where not the shortest; claim: a length that is not the payload's."""
    length = len(payload) if claim is None else claim
    form = form or (1 if length < 126 else 2 if length < 65536 else 8)
    head = bytes([fin << 7 | rsv << 4 | opcode])
    bit = masked << 7
    head += {1: lambda: bytes([bit | length]), 2: lambda: bytes([bit | 126]) + struct.pack(">H", length), 8: lambda: bytes([bit | 127]) + struct.pack(">Q", length)}[form]()
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(b ^ mask[i & 3] for i, b in enumerate(payload))


def fragments(payload, *at, opcode=TEXT):
    """The message cut at these places."""
    cuts = [0, *at, len(payload)]
    last = len(cuts) - 2
    return [frame(CONTINUATION if i else opcode, payload[a:b], fin=i == last) for i, (a, b) in enumerate(zip(cuts, cuts[1:]))]


def close(code, reason=b""):
    return frame(CLOSE, struct.pack(">H", code) + reason)


class Peer:
    """A connection after its handshake. What the server sends is checked to be frames as a server must write them."""

    def __init__(self, service, token=None, along=b""):
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock = socket.create_connection(("127.0.0.1", service.port), timeout=10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.sendall(f"GET /api/v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                          f"Sec-WebSocket-Version: 13\r\n\r\n".encode() + along)
        self.got = b""
        while b"\r\n\r\n" not in self.got:
            self.more()
        head, self.got = self.got.split(b"\r\n\r\n", 1)
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        assert head.startswith(b"HTTP/1.1 101 ") and b"sec-websocket-accept: " + accept.lower() in head.lower(), head
        if token:
            self.send(frame(TEXT, json.dumps({"op": "auth", "token": token}).encode()))
            assert self.message()["ok"] is True

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()

    def more(self):
        more = self.sock.recv(65536)
        if not more:
            raise EOFError(f"closed after {self.got!r}")
        self.got += more

    def need(self, n):
        while len(self.got) < n:
            self.more()

    def send(self, *frames):
        self.sock.sendall(b"".join(frames))

    def frame(self):
        """(opcode, payload) of the next frame."""
        self.need(2)
        first, second = self.got[:2]
        assert first & 0xF0 == 0x80 and second < 128, f"a server's frame is final, unmasked, without reserved bits: {self.got[:2].hex()}"
        size = {126: 2, 127: 8}.get(second, 0)
        self.need(2 + size)
        length = int.from_bytes(self.got[2:2 + size], "big") if size else second
        assert not size or length >= (126 if size == 2 else 65536), "a length in more bytes than needed"
        self.need(2 + size + length)
        payload, self.got = self.got[2 + size:2 + size + length], self.got[2 + size + length:]
        return first & 15, payload

    def message(self):
        opcode, payload = self.frame()
        assert opcode == TEXT, (opcode, payload)
        return json.loads(payload)

    def pong(self):
        """The stream's own answer to {"op":"ping"}: the message before it was taken."""
        assert self.message() == {"op": "pong"}

    def closed(self):
        """The server's close code (None: a close frame without one), what came before it passed over; the connection ends after it."""
        try:
            while True:
                opcode, payload = self.frame()
                if opcode == CLOSE:
                    break
        except ConnectionResetError:
            raise AssertionError("reset before a close frame") from None
        if payload:
            payload[2:].decode()
        try:
            while self.sock.recv(65536):
                pass
        except ConnectionResetError:
            pass  # we had sent more than it wished to read
        return struct.unpack(">H", payload[:2])[0] if payload else None


# Frames after the authentication, and the close code they earn.
PROTOCOL, UNSUPPORTED, INVALID, POLICY, TOO_BIG = 1002, 1003, 1007, 1008, 1009
BREACHES = [
    *((f"an unmasked {name}", [frame(op, data, masked=False)], PROTOCOL) for name, op, data in
      (("text", TEXT, PING_TEXT), ("ping", PING, b"x"), ("close", CLOSE, b"\x03\xe8"), ("empty text", TEXT, b""))),
    *((f"reserved bit {4 - rsv.bit_length()} in a {name}", [frame(op, PING_TEXT, rsv=rsv)], PROTOCOL) for rsv in (4, 2, 1) for name, op in
      (("text", TEXT), ("ping", PING), ("close", CLOSE))),
    ("a reserved bit in a continuation", [frame(TEXT, PING_TEXT[:4], fin=False), frame(CONTINUATION, PING_TEXT[4:], rsv=4)], PROTOCOL),
    *((f"reserved opcode {op}", [frame(op, b"x")], PROTOCOL) for op in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
    ("a reserved opcode within a message", [frame(TEXT, b'{"op"', fin=False), frame(3, b"x")], PROTOCOL),
    ("a continuation of nothing", [frame(CONTINUATION, PING_TEXT)], PROTOCOL),
    ("a continuation after a whole message", [frame(TEXT, PING_TEXT), frame(CONTINUATION, b"x")], PROTOCOL),
    ("a message within a message", [frame(TEXT, b'{"op"', fin=False), frame(TEXT, PING_TEXT)], PROTOCOL),
    *((f"a {name} in fragments", [frame(op, b"x", fin=False), frame(CONTINUATION, b"y")], PROTOCOL) for name, op in (("ping", PING), ("pong", PONG), ("close", CLOSE))),
    *((f"a {name} of {size} bytes", [frame(op, b"\x03\xe8" + b"x" * (size - 2))], PROTOCOL) for name, op in (("ping", PING), ("pong", PONG), ("close", CLOSE)) for size in (126, 70000)),
    ("a length in two bytes where one does", [frame(TEXT, PING_TEXT, form=2)], PROTOCOL),
    ("a length in eight bytes where one does", [frame(TEXT, PING_TEXT, form=8)], PROTOCOL),
    ("a length in eight bytes where two do", [frame(TEXT, b" " * 300 + PING_TEXT, form=8)], PROTOCOL),
    ("a control frame's length in two bytes", [frame(PING, b"x", form=2)], PROTOCOL),
    ("a length with its topmost bit", [frame(TEXT, form=8, claim=1 << 63)], PROTOCOL),
    ("a binary message", [frame(BINARY, b"\0\1")], UNSUPPORTED),
    ("a binary message in fragments", fragments(b"\0\1\2", 1, opcode=BINARY), UNSUPPORTED),
    ("a byte more than a message may have, refused at its first byte", [frame(TEXT, b" ", claim=MESSAGE_MAX + 1)], TOO_BIG),
    ("a terabyte, refused at its first byte", [frame(TEXT, b" ", claim=1 << 40)], TOO_BIG),
    ("fragments that together are too big", [frame(TEXT, b" " * 40000, fin=False), frame(CONTINUATION, b" ", claim=MESSAGE_MAX - 39999)], TOO_BIG),
    ("too many fragments", [frame(TEXT, b" ", fin=False)] + [frame(CONTINUATION, b" ", fin=False)] * FRAGMENTS_MAX, POLICY),
    ("too many empty fragments", [frame(TEXT, b"", fin=False)] + [frame(CONTINUATION, b"", fin=False)] * FRAGMENTS_MAX, POLICY),
]

NOT_UTF8 = {"a continuation byte alone": b"\x80", "two-byte overlong": b"\xc0\xaf", "three-byte overlong": b"\xe0\x80\xaf", "four-byte overlong": b"\xf0\x80\x80\xaf",
            "a surrogate": b"\xed\xa0\x80", "a pair of surrogates": b"\xed\xa0\xbd\xed\xb8\x80", "beyond U+10FFFF": b"\xf4\x90\x80\x80", "byte FE": b"\xfe", "byte FF": b"\xff",
            "five bytes": b"\xf8\x88\x80\x80\x80", "a lead byte and no more": b"\xc3(", "Latin-1": "é".encode("latin1") + b" "}
for name, data in NOT_UTF8.items():
    whole = b'{"op":"ping","x":"' + data + b'"}'
    BREACHES.append((f"UTF-8: {name}", [frame(TEXT, whole)], INVALID))
    BREACHES.append((f"UTF-8: {name}, a byte a fragment", fragments(whole, *range(1, len(whole))), INVALID))
BREACHES += [
    ("UTF-8: seen at once, without the message's end", [frame(TEXT, b'{"x":"\xc3(', fin=False)], INVALID),
    ("UTF-8: seen at once in the second fragment", [frame(TEXT, b'{"x":"\xf4', fin=False), frame(CONTINUATION, b"\x90", fin=False)], INVALID),
    ("UTF-8: seen at once in the middle of a frame", [frame(TEXT, b'{"x":"\xff', claim=1000)], INVALID),
    *((f"UTF-8: cut off after {n} of 4 bytes", [frame(TEXT, b'"' + "😀".encode()[:n])], INVALID) for n in (1, 2, 3)),
    ("UTF-8: cut off at the end of the last fragment", [frame(TEXT, b'"', fin=False), frame(CONTINUATION, b"\xc3")], INVALID),
    ("a close reason that is not UTF-8", [close(1000, b"\xff")], INVALID),
    ("half a close code", [frame(CLOSE, b"\x03")], PROTOCOL),
    *((f"close code {code}", [close(code)], PROTOCOL) for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)),
]

# Frames after the authentication, and how often the stream says pong: it has taken every message, and goes on.
KEPT = [
    ("a message in two fragments", fragments(PING_TEXT, 5), 1),
    ("a message in a fragment for every byte", fragments(PING_TEXT, *range(1, len(PING_TEXT))), 1),
    ("empty fragments first, between and last", fragments(PING_TEXT, 0, 5, 5, 5, len(PING_TEXT)), 1),
    ("as many fragments as may be", fragments(b" " * (FRAGMENTS_MAX - len(PING_TEXT)) + PING_TEXT, *range(1, FRAGMENTS_MAX)), 1),
    ("a message as big as may be", [frame(TEXT, b" " * (MESSAGE_MAX - len(PING_TEXT)) + PING_TEXT)], 1),
    ("the same in fragments", fragments(b" " * (MESSAGE_MAX - len(PING_TEXT)) + PING_TEXT, 1, 30000, 60000), 1),
    ("lengths about the borders of their forms", [frame(TEXT, b" " * (n - len(PING_TEXT)) + PING_TEXT) for n in (125, 126, 127, 65535)], 4),
    ("three messages in one segment", [frame(TEXT, PING_TEXT)] * 3, 3),
    ("a pong nobody asked for", [frame(PONG, b"hello"), frame(TEXT, PING_TEXT)], 1),
    ("a pong within a message", [frame(TEXT, PING_TEXT[:5], fin=False), frame(PONG), frame(CONTINUATION, PING_TEXT[5:])], 1),
    ("a mask of zeros", [bytes([0x80 | TEXT, 0x80 | len(PING_TEXT), 0, 0, 0, 0]) + PING_TEXT], 1),
]
WIDE = '{"op":"ping","x":"aß€😀\U0010ffff\ufeff\u0000"}'.replace("\u0000", "\\u0001").encode()
KEPT += [("wide characters, cut at every place", [f for at in range(len(WIDE) + 1) for f in fragments(WIDE, at)], len(WIDE) + 1)]


def refused_handshakes(service):
    """(what, request, status)"""
    good = {"Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(), "Sec-WebSocket-Version": "13"}
    for what, change, expect in (
        ("as it should be", {}, 101), ("names and tokens in other case", {"Upgrade": "WebSocket", "Connection": "keep-alive, upgrade"}, 101),
        ("version 12", {"Sec-WebSocket-Version": "12"}, 426), ("no version", {"Sec-WebSocket-Version": None}, 426), ("no key", {"Sec-WebSocket-Key": None}, 400),
        ("a key of 15 bytes", {"Sec-WebSocket-Key": base64.b64encode(bytes(15)).decode()}, 400), ("a key that is no base64", {"Sec-WebSocket-Key": "!" * 24}, 400),
        ("no Upgrade", {"Upgrade": None}, 426), ("another Upgrade", {"Upgrade": "h2c"}, 426), ("no Connection", {"Connection": None}, 426),
    ):
        conn = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
        conn.putrequest("GET", "/api/v1/ws", skip_host=True, skip_accept_encoding=True)
        for field, value in {**good, **change}.items():
            if value is not None:
                conn.putheader(field, value)
        conn.endheaders()
        yield what, conn.getresponse(), expect
        conn.close()


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    with Service(binary) as s:
        ada = s.register("ada@example.org")

        def breach(frames, code):
            with Peer(s, ada.token) as peer:
                try:
                    peer.send(*frames)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the first of them was enough
                got = peer.closed()
                assert got == code, f"closed with {got} instead of {code}"

        def kept(frames, pongs):
            with Peer(s, ada.token) as peer:
                peer.send(*frames)
                for _ in range(pongs):
                    peer.pong()
                peer.send(close(1000))
                assert peer.closed() == 1000

        @case("the handshake: what is none is refused")
        def _():
            for what, answer, expect in refused_handshakes(s):
                assert answer.status == expect, f"{what}: {answer.status} instead of {expect}"
                if expect == 426:
                    assert answer.getheader("sec-websocket-version") == "13", f"{what}: {answer.getheaders()}"

        @case("frames that come along with the handshake are not lost")
        def _():
            with Peer(s, along=frame(TEXT, json.dumps({"op": "auth", "token": ada.token}).encode()) + frame(TEXT, PING_TEXT)) as peer:
                assert peer.message()["ok"] is True
                peer.pong()

        @case("a byte at a time")
        def _():
            with Peer(s) as peer:
                for byte in b"".join(fragments(json.dumps({"op": "auth", "token": ada.token}).encode(), 7)):
                    peer.send(bytes([byte]))
                assert peer.message()["ok"] is True

        for title, frames, pongs in KEPT:
            case(f"kept: {title}")(lambda frames=frames, pongs=pongs: kept(frames, pongs))

        @case("pings are answered with their own bytes, in order, at once also within a message")
        def _():
            with Peer(s, ada.token) as peer:
                for data in (b"", b"x", b"\xff\xfe is no text", b"x" * 125):
                    peer.send(frame(PING, data))
                    assert peer.frame() == (PONG, data), data
                peer.send(frame(PING, b"1"), frame(PING, b"2"))
                assert [peer.frame(), peer.frame()] == [(PONG, b"1"), (PONG, b"2")]
                peer.send(frame(TEXT, PING_TEXT[:5], fin=False), frame(PING, b"within"))
                assert peer.frame() == (PONG, b"within")  # and not only after the message's end, which has not come
                peer.send(frame(CONTINUATION, PING_TEXT[5:8], fin=False), frame(PING, b"again"), frame(CONTINUATION, PING_TEXT[8:]))
                assert peer.frame() == (PONG, b"again")
                peer.pong()

        for title, frames, code in BREACHES:
            case(f"closed with {code}: {title}")(lambda frames=frames, code=code: breach(frames, code))

        @case("close: codes that may be sent come back; none for none")
        def _():
            for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999):
                with Peer(s, ada.token) as peer:
                    peer.send(close(code, "wörtlich".encode()))
                    assert peer.closed() == code, code
            with Peer(s, ada.token) as peer:
                peer.send(close(1000, b"x" * 123))
                assert peer.closed() == 1000
            with Peer(s, ada.token) as peer:
                peer.send(frame(CLOSE))
                assert peer.closed() in (None, 1000)
            with Peer(s) as peer:  # who has not said who they are may go as well
                peer.send(close(1000))
                assert peer.closed() == 1000

        @case("close: within a message it ends the connection; after it nothing is read or answered")
        def _():
            with Peer(s, ada.token) as peer:
                peer.send(frame(TEXT, PING_TEXT[:5], fin=False), close(1001))
                assert peer.closed() == 1001
            with Peer(s, ada.token) as peer:
                peer.send(close(1000), frame(PING, b"late"), frame(TEXT, PING_TEXT), frame(TEXT, b"", masked=False))
                assert peer.frame() == (CLOSE, struct.pack(">H", 1000))
                assert peer.got == b"" and peer.sock.recv(100) == b""

        @case("who vanishes in the middle of a frame, or resets, leaves nothing behind")
        def _():
            for i in range(30):
                peer = Peer(s, ada.token)
                peer.send(frame(TEXT, PING_TEXT)[:-1 - i % 12])
                if i % 2:
                    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.sock.close()
            kept([frame(TEXT, PING_TEXT)], 1)

        return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
