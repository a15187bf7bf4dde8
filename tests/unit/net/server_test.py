"""Talks to net_server in raw bytes: what must work, and what must be refused – smuggling, malformed and slow requests,
WebSocket frames, TLS. Every refusal must carry the right status, close the connection and leave the server alive.

    server_test.py NET_SERVER FIXTURES/tls
"""
import base64
import contextlib
import hashlib
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

from refusals import GOOD, POST, REFUSED, TE, request

SERVER, TLS_DIR = sys.argv[1], sys.argv[2]
LOCAL = os.path.join(TLS_DIR, 'localhost.pem')
LOCAL_KEY = os.path.join(TLS_DIR, 'localhost.key')
CA = os.path.join(TLS_DIR, 'ca.pem')
WAIT = 20  # seconds until a test gives up; sanitizers and busy machines are slow

results = []


def check(name, condition, note=''):
    results.append((name, bool(condition), note))


class Server:
    def __init__(self, *args):
        self.process = subprocess.Popen([SERVER, '--watch-stdin', *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.port = self.tls_port = None
        self.lines = []
        for line in self.process.stdout:
            if line.startswith('port '):
                self.port = int(line.split()[1])
            if line.startswith('tls '):
                self.tls_port = int(line.split()[1])
            if line == 'ready\n':
                break

    def connect(self):
        return Client(socket.create_connection(('127.0.0.1', self.port), timeout=WAIT))

    def connect_tls(self, context, name='localhost'):
        raw = socket.create_connection(('127.0.0.1', self.tls_port), timeout=WAIT)
        return Client(context.wrap_socket(raw, server_hostname=name))

    def stats(self):
        with self.connect() as c:
            c.send(b'GET /stats HTTP/1.1\r\nHost: a\r\n\r\n')
            return json.loads(c.response().body)

    def stop(self):
        """Exit code and what it printed after it was ready."""
        self.process.stdin.close()
        out = self.process.stdout.read()
        return self.process.wait(timeout=WAIT), out


class Response:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def __repr__(self):
        return f'{self.status} {self.fields} {self.body[:80]!r}'


class Client:
    def __init__(self, sock):
        self.sock, self.buffer = sock, b''

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def more(self):
        try:
            data = self.sock.recv(65536)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
            data = b''
        self.buffer += data
        return data

    def until(self, mark):
        while mark not in self.buffer:
            if not self.more():
                raise EOFError(self.buffer)
        part, self.buffer = self.buffer.split(mark, 1)
        return part

    def take(self, n):
        while len(self.buffer) < n:
            if not self.more():
                raise EOFError(self.buffer)
        part, self.buffer = self.buffer[:n], self.buffer[n:]
        return part

    def response(self, head_only=False):
        lines = self.until(b'\r\n\r\n').decode('latin1').split('\r\n')
        status = int(lines[0].split(' ')[1])
        fields = {}
        for line in lines[1:]:
            name, value = line.split(': ', 1)
            fields.setdefault(name.lower(), []).append(value)
        body = b''
        if head_only or status in (101, 204, 304) or status < 200:
            pass
        elif 'content-length' in fields:
            body = self.take(int(fields['content-length'][0]))
        elif 'transfer-encoding' in fields:
            while True:
                size = int(self.until(b'\r\n'), 16)
                body += self.take(size)
                assert self.take(2) == b'\r\n'
                if size == 0:
                    break
        else:
            while self.more():
                pass
            body, self.buffer = self.buffer, b''
        return Response(status, fields, body)

    def at_end(self):
        """The other side has closed, and nothing is left."""
        while self.more():
            pass
        return self.buffer == b''


# ---- what must be refused ----

# What only the handlers of net_server refuse.
REFUSED += [
    ('a body too large for this request', 413, request('POST /small HTTP/1.1', 'Content-Length: 11', body=b'x' * 11)),
    ('chunks too large for this request', 413, request('POST /small HTTP/1.1', TE, body=b'b\r\n' + b'x' * 11 + b'\r\n0\r\n\r\n')),
]


def test_refused(server):
    before = server.stats()
    for name, want, data in REFUSED:
        with server.connect() as c:
            # What follows in the same breath must never be taken for a request of its own.
            c.send(data + GOOD)
            note = ''
            try:
                r = c.response()
                wanted = want if isinstance(want, set) else {want}
                ok = r.status in wanted and r.fields.get('connection') == ['close'] and b'"detail"' in r.body
                ok = ok and c.at_end()
                note = f'{r} {c.buffer[:80]!r}'
            except (EOFError, TimeoutError) as e:
                ok, note = False, f'closed without an answer {e}'
            check(f'refused: {name}', ok, note)
    after = server.stats()
    check('each refusal is counted', after['refused'] - before['refused'] == len(REFUSED),
          f'{after["refused"] - before["refused"]} of {len(REFUSED)}')
    check('nothing refused reached the handler', after['requests'] - before['requests'] == 1,
          str(after['requests'] - before['requests']))


def test_split_refusals(server):
    """The same bytes, one at a time: the same answers."""
    for name, want, data in REFUSED[:45]:
        with server.connect() as c:
            c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                for i in range(0, len(data), 7):
                    c.send(data[i:i + 7])
            # Without bytes behind it a last request is complete, and no bytes can be seen behind it.
            if name.startswith('bytes after'):
                continue
            if not data.endswith((b'\n', b'X')):
                continue
            try:
                r = c.response()
                wanted = want if isinstance(want, set) else {want}
                check(f'refused in pieces: {name}', r.status in wanted and c.at_end(), repr(r))
            except (EOFError, TimeoutError) as e:
                check(f'refused in pieces: {name}', False, repr(e))


# ---- what must work ----

def test_works(server):
    with server.connect() as c:
        for _ in range(3):
            c.send(GOOD)
            r = c.response()
            check('keep-alive', r.status == 200 and r.body == b'Hello, World!' and 'connection' not in r.fields and 'date' in r.fields, r)
    with server.connect() as c:
        c.send(b''.join(request(f'POST /echo HTTP/1.1', f'Content-Length: {len(str(i))}', body=str(i).encode()) for i in range(200)))
        check('200 pipelined requests in order', [c.response().body for _ in range(200)] == [str(i).encode() for i in range(200)])
    with server.connect() as c:
        c.send(request('GET /later?ms=50 HTTP/1.1') + request('POST /echo HTTP/1.1', 'Content-Length: 1', body=b'2') +
               request('GET /later?ms=0 HTTP/1.1') + GOOD)
        check('a late answer keeps its place', [c.response().body for _ in range(4)] == [b'later', b'2', b'later', b'Hello, World!'])
    with server.connect() as c:
        big = os.urandom(100000)
        c.send(request('GET /later?ms=100 HTTP/1.1') + b''.join(
            request('POST /echo HTTP/1.1', f'Content-Length: {len(big)}', body=big) for _ in range(5)))
        check('much read ahead', c.response().body == b'later' and all(c.response().body == big for _ in range(5)))
    with server.connect() as c:
        c.send(request('HEAD /hello HTTP/1.1') + GOOD)
        r = c.response(head_only=True)
        check('HEAD', r.fields['content-length'] == ['13'] and c.response().body == b'Hello, World!')
    with server.connect() as c:
        c.send(request(POST, 'Content-Length: 5', 'Expect: 100-continue'))
        r = c.response()
        check('100 Continue', r.status == 100, r)
        c.send(b'abcde')
        check('the body after it', c.response().body == b'abcde')
        c.send(request('POST /small HTTP/1.1', 'Content-Length: 50', 'Expect: 100-continue'))
        r = c.response()
        check('413 instead of 100', r.status == 413 and c.at_end(), r)
    with server.connect() as c:
        c.send(request('GET /early HTTP/1.1') + GOOD)
        check('answered at the head, no body: stays open', c.response().status == 401 and c.response().status == 200)
        c.send(request('POST /early HTTP/1.1', 'Content-Length: 9', 'Expect: 100-continue'))
        r = c.response()
        check('answered at the head, body due: closes', r.status == 401 and r.fields['connection'] == ['close'] and c.at_end(), r)
    with server.connect() as c:
        c.send(request(POST, TE, body=b'5\r\nhello\r\n0006\r\n world\r\n0\r\n\r\n') + GOOD)
        check('chunked', c.response().body == b'hello world' and c.response().status == 200)
        big = os.urandom(1 << 20)
        chunks = b''.join(b'%x\r\n%s\r\n' % (len(big[i:i + 7777]), big[i:i + 7777]) for i in range(0, len(big), 7777))
        c.send(request(POST, TE, body=chunks + b'0\r\n\r\n'))
        check('1 MiB in chunks', c.response().body == big)
        c.send(request(POST, f'Content-Length: {len(big)}', body=big))
        check('1 MiB by length', c.response().body == big)
    with server.connect() as c:
        for byte in request(POST, TE, 'X: y', body=b'3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n') + GOOD:
            c.send(bytes([byte]))
        check('byte by byte', c.response().body == b'abc0123456789' and c.response().status == 200)
    with server.connect() as c:
        c.send(request('GET /hello HTTP/1.0', host=False))
        r = c.response()
        check('HTTP/1.0 closes', r.status == 200 and r.fields['connection'] == ['close'] and c.at_end(), r)
    with server.connect() as c:
        c.send(request('GET /hello HTTP/1.0', 'Connection: keep-alive'))
        r = c.response()
        c.send(request('GET /stream?n=3 HTTP/1.0', 'Connection: keep-alive'))
        s = c.response()
        check('HTTP/1.0 keep-alive, then a stream until the end', r.fields['connection'] == ['keep-alive'] and
              s.body == b's' * 3000 and 'transfer-encoding' not in s.fields, s)
    with server.connect() as c:
        c.send(request('GET /hello HTTP/1.1', 'Connection: foo, Close'))
        r = c.response()
        check('Connection: close', r.fields['connection'] == ['close'] and c.at_end(), r)
    with server.connect() as c:
        c.send(request('OPTIONS * HTTP/1.1') + request('GET http://LOCALHOST/who?x=1 HTTP/1.1') + b'\r\n' + GOOD)
        a, b, d = c.response(), c.response(), c.response()
        check('OPTIONS *, a URL as target, an empty line before', a.status == 404 and b'path=/who query=x=1 ' in b.body and d.status == 200, b)
    with server.connect() as c:
        c.send(request('GET /who?a=%20 HTTP/1.1', 'X-Forwarded-For: 6.6.6.6, 1.2.3.4, 127.0.0.9', 'aBc:  \t v w \t', 'Empty:', b'L: \xe4'))
        r = c.response()
        text = r.body.decode('latin1')
        check('fields cleaned', '[abc]=[v w]' in text and '[empty]=[]' in text and '[l]=[\xe4]' in text, text)
        check('behind a proxy', 'address=127.0.0.1 client=1.2.3.4 ' in text, text)
        check('an answer cannot be split', r.fields.get('x-test') == ['a  Injected: b'] and 'injected' not in r.fields, r)
    with server.connect() as c:
        c.send(request('GET /stream?n=20 HTTP/1.1') + GOOD)
        check('a stream in chunks', c.response().body == b's' * 20000 and c.response().status == 200)
        c.send(request('HEAD /stream?n=2 HTTP/1.1') + GOOD)
        check('HEAD of a stream', c.response(head_only=True).status == 200 and c.response().body == b'Hello, World!')
    with server.connect() as c:
        c.send(request('GET /blob?n=5000000 HTTP/1.1') + request('GET /blob?n=100 HTTP/1.1') + request('GET /file HTTP/1.1') +
               request('HEAD /file HTTP/1.1') + GOOD)
        time.sleep(0.05)
        a, b, f, h, g = c.response(), c.response(), c.response(), c.response(head_only=True), c.response()
        with open(SERVER, 'rb') as file:
            whole = file.read()
        check('large answers, files', a.body == b'b' * 5000000 and b.body == b'b' * 100 and f.body == whole and
              h.fields['content-length'] == [str(len(whole))] and g.status == 200)
    with server.connect() as c:
        c.send(request('GET /later?ms=30 HTTP/1.1') + GOOD)
        c.sock.shutdown(socket.SHUT_WR)
        check('a half-closed client gets its answers', c.response().body == b'later' and c.response().status == 200 and c.at_end())
    c = server.connect()
    c.send(request('GET /stream?n=100000 HTTP/1.1'))
    c.until(b'sss')
    before = server.stats()['gone']
    c.sock.close()
    until = time.time() + WAIT
    while server.stats()['gone'] == before and time.time() < until:
        time.sleep(0.02)
    check('the handler of a stream is told that its client is gone', server.stats()['gone'] == before + 1)
    c = server.connect()
    c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    c.send(request('GET /later?ms=100 HTTP/1.1'))
    time.sleep(0.03)
    c.sock.close()  # a reset
    time.sleep(0.2)
    check('the handler is told of a reset', server.stats()['gone'] == before + 2)
    check('no body is held', server.stats()['body_bytes'] == 0)


# ---- who is slow ----

def test_slow():
    server = Server('--head-ms', '400', '--idle-ms', '700', '--rate', '500')
    def closes_within(c, low, high):
        begin = time.monotonic()
        while c.more():
            pass
        return low <= time.monotonic() - begin <= high
    with server.connect() as c:
        check('silence from the start is cut', closes_within(c, 0.3, 8) and c.buffer == b'')
    with server.connect() as c:
        begin = time.monotonic()
        status = None
        with contextlib.suppress(OSError):
            for byte in request('GET /hello HTTP/1.1', 'X: ' + 'y' * 500):
                c.send(bytes([byte]))
                time.sleep(0.02)
                if time.monotonic() - begin > 6:
                    break
        with contextlib.suppress(EOFError):
            status = c.response().status
        check('a dripping head is cut with 408', status == 408 and time.monotonic() - begin < 6, str(status))
    with server.connect() as c:
        c.send(request(POST, 'Content-Length: 100000'))
        begin = time.monotonic()
        status = None
        with contextlib.suppress(OSError):
            while time.monotonic() - begin < 8:
                c.send(b'x')
                time.sleep(0.02)
        with contextlib.suppress(EOFError):
            status = c.response().status
        check('a dripping body is cut with 408', status == 408 and time.monotonic() - begin < 8, str(status))
    with server.connect() as c:
        c.send(request(POST, 'Content-Length: 2000'))
        for _ in range(20):
            c.send(b'x' * 100)
            time.sleep(0.05)
        r = c.response()
        check('a slow but steady body is not', r.status == 200 and len(r.body) == 2000, r)
    with server.connect() as c:
        c.send(GOOD)
        c.response()
        check('an idle connection is closed', closes_within(c, 0.5, 8))
    with server.connect() as c:
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        c.send(request('GET /blob?n=30000000 HTTP/1.1'))
        begin = time.monotonic()
        while server.stats()['open'] > 1 and time.monotonic() - begin < 12:
            time.sleep(0.1)
        check('who does not read the answer is cut', time.monotonic() - begin < 12)
    with server.connect() as c:
        c.send(GOOD)
        check('and the server lives', c.response().status == 200)
    code, _ = server.stop()
    check('stops cleanly after slow clients', code == 0, str(code))


def test_bounds():
    server = Server('--connections', '5', '--body-total', '100000')
    clients = [server.connect() for _ in range(5)]
    for c in clients:
        c.send(GOOD)
        c.response()
    with server.connect() as c:
        try:
            r = c.response()
            check('one connection too many', r.status == 503 and c.at_end(), r)
        except (EOFError, ConnectionResetError) as e:
            check('one connection too many', False, repr(e))
    clients[0].sock.close()
    time.sleep(0.1)
    with server.connect() as c:
        c.send(request(POST, 'Content-Length: 80000', body=b'x' * 70000))
        time.sleep(0.1)
        clients[1].send(request(POST, 'Content-Length: 80000', body=b'x' * 80000))
        r = clients[1].response()
        check('too many bodies at once', r.status == 503, r)
        c.send(b'x' * 10000)
        check('the first of them goes on', c.response().status == 200)
    for c in clients:
        c.sock.close()
    code, _ = server.stop()
    check('stops cleanly after bounds', code == 0, str(code))


# ---- WebSocket ----

TEXT, BINARY, CLOSE, PING, PONG, CONT = 1, 2, 8, 9, 10, 0
MASK = b'\x12\x34\x56\x78'


def frame(opcode, payload=b'', fin=True, mask=MASK, rsv=0, length=None, length_bytes=None):
    n = len(payload) if length is None else length
    size = length_bytes if length_bytes is not None else (0 if n < 126 else 2 if n < 65536 else 8)
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    head += bytes([(0x80 if mask else 0) | (n if size == 0 else 126 if size == 2 else 127)])
    head += n.to_bytes(size, 'big') if size else b''
    if mask:
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        head += mask
    return head + payload


def close_frame(code, reason=b''):
    return frame(CLOSE, struct.pack('>H', code) + reason)


class Ws(Client):
    def __init__(self, client):
        super().__init__(client.sock)
        key = base64.b64encode(os.urandom(16)).decode()
        self.send(request('GET /ws HTTP/1.1', 'Upgrade: websocket', 'Connection: keep-alive, Upgrade', f'Sec-WebSocket-Key: {key}',
                          'Sec-WebSocket-Version: 13'))
        r = self.response()
        want = base64.b64encode(hashlib.sha1((key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest()).decode()
        assert r.status == 101 and r.fields['sec-websocket-accept'] == [want], r

    def read(self):
        head = self.take(2)
        assert head[0] & 0x70 == 0 and head[1] & 0x80 == 0
        n = head[1]
        if n == 126:
            n = int.from_bytes(self.take(2), 'big')
        elif n == 127:
            n = int.from_bytes(self.take(8), 'big')
        return head[0] & 15, self.take(n)


WS_CLOSED = [
    ('not masked', 1002, frame(TEXT, b'a', mask=None)),
    ('reserved bit', 1002, frame(TEXT, b'a', rsv=4)),
    ('reserved opcode 3', 1002, frame(3, b'a')),
    ('reserved opcode 11', 1002, frame(11, b'a')),
    ('binary', 1003, frame(BINARY, b'a')),
    ('a continuation of nothing', 1002, frame(CONT, b'a')),
    ('a text within a text', 1002, frame(TEXT, b'a', fin=False) + frame(TEXT, b'b')),
    ('a ping in fragments', 1002, frame(PING, b'a', fin=False)),
    ('a ping of 126 bytes', 1002, frame(PING, b'a' * 126)),
    ('a length not minimal, 16 bits', 1002, frame(TEXT, b'a', length_bytes=2)),
    ('a length not minimal, 64 bits', 1002, frame(TEXT, b'a' * 200, length_bytes=8)),
    ('a length of 63 bits', 1009, frame(TEXT, b'a', length=(1 << 63) - 1, length_bytes=8)),
    ('a length of 64 bits', 1002, frame(TEXT, b'', length=(1 << 64) - 1, length_bytes=8)),
    ('one byte too big', 1009, frame(TEXT, b'a' * 65537)),
    ('too big in fragments', 1009, frame(TEXT, b'a' * 60000, fin=False) + frame(CONT, b'a' * 6000)),
    ('too many fragments', 1008, frame(TEXT, b'', fin=False) + frame(CONT, b'', fin=False) * 1100),
    ('bad UTF-8', 1007, frame(TEXT, b'a\xff')),
    ('overlong UTF-8', 1007, frame(TEXT, b'\xc0\x80')),
    ('a surrogate', 1007, frame(TEXT, b'\xed\xa0\x80')),
    ('beyond Unicode', 1007, frame(TEXT, b'\xf4\x90\x80\x80')),
    ('half a character', 1007, frame(TEXT, b'\xe4\xbd')),
    ('bad UTF-8 in the second fragment', 1007, frame(TEXT, b'\xe4', fin=False) + frame(CONT, b'a')),
    ('bad UTF-8 told before the message ends', 1007, frame(TEXT, b'\xf5', fin=False)),
    ('close code 0', 1002, close_frame(0)),
    ('close code 999', 1002, close_frame(999)),
    ('close code 1004', 1002, close_frame(1004)),
    ('close code 1005', 1002, close_frame(1005)),
    ('close code 1006', 1002, close_frame(1006)),
    ('close code 1015', 1002, close_frame(1015)),
    ('close code 2999', 1002, close_frame(2999)),
    ('close code 5000', 1002, close_frame(5000)),
    ('half a close code', 1002, frame(CLOSE, b'\x03')),
    ('a close reason that is not UTF-8', 1007, close_frame(1000, b'\xff')),
    ('a close', 1000, close_frame(1000, b'bye')),
    ('a close with an own code', 4321, close_frame(4321)),
    ('a close without a code', None, frame(CLOSE)),
]


def test_ws(server, connect):
    for name, want, data in WS_CLOSED:
        for pieces in (False, True):
            with connect() as c:
                ws = Ws(c)
                with contextlib.suppress(OSError):
                    if pieces and len(data) < 300:
                        for byte in data:
                            ws.send(bytes([byte]))
                    else:
                        ws.send(data)
                try:
                    opcode, payload = ws.read()
                    code = struct.unpack('>H', payload[:2])[0] if payload else None
                    check(f'ws: {name}', opcode == CLOSE and code == want and ws.at_end(), f'{opcode} {payload}')
                except (EOFError, OSError) as e:
                    check(f'ws: {name}', False, repr(e))
    with connect() as c:
        ws = Ws(c)
        ws.send(frame(TEXT, b'') + frame(TEXT, 'grüß 🎈'.encode()) + frame(TEXT, b'a' * 65536))
        check('ws: echo', [ws.read() for _ in range(3)] == [(TEXT, b''), (TEXT, 'grüß 🎈'.encode()), (TEXT, b'a' * 65536)])
        ws.send(frame(PING, b'p1'))
        check('ws: ping', ws.read() == (PONG, b'p1'))
        ws.send(frame(PONG, b'unasked'))
        balloon = '🎈'.encode()
        ws.send(frame(TEXT, balloon[:1], fin=False) + frame(PING, b'x') + frame(CONT, balloon[1:3], fin=False) + frame(CONT, b'', fin=False) +
                frame(CONT, balloon[3:] + b'!'))
        check('ws: fragments with a ping between', [ws.read(), ws.read()] == [(PONG, b'x'), (TEXT, balloon + b'!')])
        for byte in frame(TEXT, b'b' * 300) + frame(PING) + frame(TEXT, b'c'):
            ws.send(bytes([byte]))
        check('ws: byte by byte', [ws.read() for _ in range(3)] == [(TEXT, b'b' * 300), (PONG, b''), (TEXT, b'c')])
        ws.send(frame(TEXT, b'd' * 100) * 500)
        check('ws: many in one write', all(ws.read() == (TEXT, b'd' * 100) for _ in range(500)))
        ws.send(frame(TEXT, b'close 4999'))
        opcode, payload = ws.read()
        check('ws: closed by the server', opcode == CLOSE and payload == struct.pack('>H', 4999) + b'as you wish', payload)
        ws.send(frame(TEXT, b'ignored') + close_frame(4999))
        check('ws: and then over', ws.at_end())
    with contextlib.ExitStack() as stack:
        all_of_them = [Ws(stack.enter_context(connect())) for _ in range(20)]
        for ws in all_of_them:
            ws.send(frame(TEXT, b'join') + frame(TEXT, b'there?'))
            ws.read()
        all_of_them[0].send(frame(TEXT, b'all ' + b'z' * 2000))
        check('ws: to all', all(ws.read() == (TEXT, b'all ' + b'z' * 2000) for ws in all_of_them))
        until = time.time() + WAIT
    while server.stats()['websockets'] > 0 and time.time() < until:
        time.sleep(0.02)
    check('ws: all are gone', server.stats()['websockets'] == 0, server.stats())


def test_ws_slow(server):
    with server.connect() as c:
        ws = Ws(c)
        before = server.stats()['rss_kb']
        ws.send(frame(TEXT, b'flood 20000'))  # 20 MB to somebody who does not read
        time.sleep(0.3)
        begin = time.time()
        while server.stats()['websockets'] > 0 and time.time() - begin < WAIT:
            time.sleep(0.05)
        s = server.stats()
        check('ws: a client that does not read is dropped', s['websockets'] == 0 and s['rss_kb'] - before < 8192, s)
    with server.connect() as c:
        ws = Ws(c)
        ws.send(frame(PING, b'x' * 100) * 20000 + frame(TEXT, b'still'))
        kinds = [ws.read()[0] for _ in range(20001)]
        check('ws: pings while reading are all answered', kinds == [PONG] * 20000 + [TEXT])


def test_upgrade_refused(server):
    good = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13']
    def without(i, *other):
        return good[:i] + list(other) + good[i + 1:]
    for name, want, line, fields in [
            ('no Upgrade', 426, 'GET /ws HTTP/1.1', without(0)), ('another protocol', 426, 'GET /ws HTTP/1.1', without(0, 'Upgrade: h2c')),
            ('no Connection', 426, 'GET /ws HTTP/1.1', without(1)), ('version 8', 426, 'GET /ws HTTP/1.1', without(3, 'Sec-WebSocket-Version: 8')),
            ('no key', 400, 'GET /ws HTTP/1.1', without(2)), ('a short key', 400, 'GET /ws HTTP/1.1', without(2, 'Sec-WebSocket-Key: abc=')),
            ('a key that is no base64', 400, 'GET /ws HTTP/1.1', without(2, 'Sec-WebSocket-Key: dGhl!HNhbXBsZSBub25jZQ==')),
            ('two keys', 400, 'GET /ws HTTP/1.1', good + [good[2]]), ('POST', 405, 'POST /ws HTTP/1.1', good + ['Content-Length: 0'])]:
        with server.connect() as c:
            c.send(request(line, *fields))
            r = c.response()
            check(f'upgrade refused: {name}', r.status == want, r)
    with server.connect() as c:
        c.send(request('GET /ws HTTP/1.1', *good) + frame(TEXT, b'early'))
        r = c.response()
        ws = Client(c.sock)
        ws.buffer = c.buffer
        check('the example of RFC 6455, with bytes that come early', r.fields['sec-websocket-accept'] == ['s3pPLMBiTxaQ9kYGzzhZRbK+xOo='] and
              ws.take(7) == b'\x81\x05early', r)


# ---- TLS ----

def context(**more):
    c = ssl.create_default_context(cafile=CA)
    for name, value in more.items():
        setattr(c, name, value)
    return c


def test_tls(server):
    ctx = context()
    with server.connect_tls(ctx) as c:
        c.send(GOOD + request(POST, 'Content-Length: 100000', body=b'x' * 100000))
        check('tls: requests', c.response().body == b'Hello, World!' and c.response().body == b'x' * 100000)
        check('tls: 1.2 with forward secrecy', c.sock.version() in ('TLSv1.2', 'TLSv1.3') and 'GCM' in c.sock.cipher()[0], str(c.sock.cipher()))
        c.send(request('GET /blob?n=3000000 HTTP/1.1') + request('GET /who HTTP/1.1'))
        check('tls: a large answer', c.response().body == b'b' * 3000000 and b'tls=1' in c.response().body)
        session = c.sock.session
    raw = socket.create_connection(('127.0.0.1', server.tls_port), timeout=WAIT)
    with Client(ctx.wrap_socket(raw, server_hostname='localhost', session=session)) as c:
        c.send(GOOD)
        check('tls: sessions resume', c.response().status == 200 and c.sock.session_reused)
    with server.connect_tls(ctx) as c:
        for byte in GOOD:
            c.send(bytes([byte]))
        check('tls: byte by byte', c.response().status == 200)
        c.send(request('GET /hello HTTP/1.1', 'Connection: close'))
        check('tls: an end with close_notify', c.response().status == 200 and c.sock.recv(10) == b'')
    def refused(**more):
        try:
            with server.connect_tls(context(**more)):
                return False
        except (ssl.SSLError, ConnectionResetError, OSError):
            return True
    check('tls: no TLS 1.1', refused(maximum_version=ssl.TLSVersion.TLSv1_1, minimum_version=ssl.TLSVersion.TLSv1))
    weak = context()
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers('AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0')
    try:
        with server.connect_tls(weak):
            ok = False
    except (ssl.SSLError, OSError):
        ok = True
    check('tls: no CBC, no RSA key exchange', ok)
    with Client(socket.create_connection(('127.0.0.1', server.tls_port), timeout=WAIT)) as c:
        c.send(GOOD)
        while c.more():
            pass
        check('tls: plain HTTP on a TLS port is closed', b'HTTP' not in c.buffer, c.buffer)
    for cut in (1, 5, 50):
        with Client(socket.create_connection(('127.0.0.1', server.tls_port), timeout=WAIT)) as c:
            c.send((bytes.fromhex('16030100c8010000c40303') + os.urandom(200))[:cut])
    test_ws(server, lambda: server.connect_tls(ctx))


# ---- the end ----

def test_stop(folder):
    path = os.path.join(folder, 'p.sock')
    with open(path, 'w') as f:
        f.write('no socket')
    failed = subprocess.run([SERVER, '--unix', path], capture_output=True, text=True)
    check('a file in the way of the socket is left alone', failed.returncode == 1 and 'in the way' in failed.stderr, failed.stderr)
    os.unlink(path)
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(path)
    stale.close()
    server = Server('--unix', path, '--tls', LOCAL, LOCAL_KEY, '--grace-ms', '3000')
    check('the socket is ours alone', os.stat(path).st_mode & 0o777 == 0o600)
    unix = socket.socket(socket.AF_UNIX)
    unix.settimeout(WAIT)
    unix.connect(path)
    with Client(unix) as c:
        c.send(request('GET /who HTTP/1.1'))
        text = c.response().body.decode()
        check('who is at the other end of the unix socket', f'unix=1 uid={os.getuid()} ' in text and 'client= ' in text, text)
    with server.connect() as late, server.connect() as idle, server.connect() as ws_client, server.connect_tls(context()) as tls, \
            server.connect() as half:
        ws = Ws(ws_client)
        tls.send(GOOD)
        tls.response()
        half.send(request(POST, 'Content-Length: 10', body=b'12345'))
        idle.send(GOOD)
        idle.response()
        late.send(request('GET /later?ms=500 HTTP/1.1'))
        time.sleep(0.1)
        server.process.send_signal(signal.SIGTERM)
        check('stop: idle connections close', idle.at_end() and tls.at_end())
        opcode, payload = ws.read()
        check('stop: WebSockets get 1001', opcode == CLOSE and payload[:2] == struct.pack('>H', 1001), payload)
        ws.send(close_frame(1001))
        check('stop: and close', ws.at_end())
        half.send(b'67890')
        r = half.response()
        check('stop: a request under way is finished', r.body == b'1234567890' and r.fields['connection'] == ['close'], r)
        r = late.response()
        check('stop: a late answer arrives', r.body == b'later' and r.fields['connection'] == ['close'] and late.at_end(), r)
        try:
            with server.connect():
                refused = False
        except ConnectionRefusedError:
            refused = True
        check('stop: nobody new', refused)
    code, out = server.stop()
    check('stop: clean', code == 0 and out.endswith('stopped\n'), f'{code} {out}')
    check('stop: the socket is gone', not os.path.exists(path))
    server = Server('--grace-ms', '300')
    with server.connect() as c, server.connect() as s, server.connect() as w:
        c.send(request('GET /later?ms=1000 HTTP/1.1'))
        s.send(request('GET /stream?n=100000000 HTTP/1.1'))
        ws = Ws(w)  # does not answer the close
        time.sleep(0.1)
        begin = time.monotonic()
        code, _ = server.stop()
        took = time.monotonic() - begin
        check('stop: cut after the grace, all requests answered', code == 0 and 0.3 < took < 8, f'{code} {took}')


def main():
    server = Server('--tls', LOCAL, LOCAL_KEY)
    test_refused(server)
    test_split_refusals(server)
    test_works(server)
    test_ws(server, server.connect)
    test_ws_slow(server)
    test_upgrade_refused(server)
    test_tls(server)
    s = server.stats()
    check('nothing is left open', s['open'] == 1 and s['websockets'] == 0 and s['body_bytes'] == 0, s)
    code, _ = server.stop()
    check('stops cleanly', code == 0, str(code))
    test_slow()
    test_bounds()
    with tempfile.TemporaryDirectory() as folder:
        test_stop(folder)
    print(f'1..{len(results)}')
    for number, (name, ok, note) in enumerate(results, 1):
        print(f'{"ok" if ok else "not ok"} {number} - {name}')
        if not ok:
            print(f'# {note}')
    return 0 if all(ok for _, ok, _ in results) else 1


sys.exit(main())
