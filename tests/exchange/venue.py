"""A `perigee exchange` of a test: started on a free port, spoken to as its customers do, with nothing but the standard library."""
import base64
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
KEY, SECRET = "testkey", "testsecret"


class Dropped(Exception):
    """The connection ended without a whole answer; .bytes is what came."""

    def __init__(self, got=b""):
        super().__init__(f"dropped after {len(got)} bytes")
        self.bytes = got


class Exchange:
    def __init__(self, binary, *args, keys=(f"{KEY}:{SECRET}",), data=None):
        self.binary, self.args, self.keys, self.data = binary, args, keys, data
        self.start()

    def start(self):
        command = [self.binary, "exchange", "--listen", "127.0.0.1:0", "--json", "-", *(() if "--history" in self.args else ("--history", "0")), *self.args]
        for key in self.keys:
            command += ["--key", key]
        if self.data:
            command += ["--data", str(self.data)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line, f"{command} ended at once"
        self.address = json.loads(line)
        self.port = self.address["port"]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=20)
        self.process.stdout.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            code = self.stop()
            assert exc[0] or code == 0, f"exit code {code}"

    # ---- HTTP

    def raw(self, request, timeout=10):
        """Sends bytes, returns all that comes until the end of the answer or of the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as s:
            s.sendall(request)
            got = b""
            while True:
                try:
                    more = s.recv(65536)
                except ConnectionResetError:
                    return got
                if not more:
                    return got
                got += more
                head, mark, body = got.partition(b"\r\n\r\n")
                length = [int(v) for k, v in (line.split(b":") for line in head.split(b"\r\n")[1:] if line.lower().startswith(b"content-length")) for k in [k]] if mark else []
                if mark and length and len(body) >= length[0]:
                    return got

    def call(self, method, path, body=None, headers=None, timeout=10):
        """(status, headers, JSON or text). Raises Dropped."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            text = answer.read()
        except (http.client.IncompleteRead, http.client.RemoteDisconnected, http.client.BadStatusLine, ConnectionResetError, BrokenPipeError) as why:
            raise Dropped(getattr(why, "partial", b"")) from None
        finally:
            connection.close()
        try:
            return answer.status, dict(answer.getheaders()), json.loads(text)
        except ValueError:
            return answer.status, dict(answer.getheaders()), text.decode()

    def admin(self, path, **body):
        status, _, answer = self.call("POST" if body else "GET", "/admin/" + path, json.dumps(body) if body else None)
        assert status == 200, (path, status, answer)
        return answer

    def faults(self, *rules, seed=1):
        return self.admin("faults", replace=True, seed=seed, faults=list(rules))["faults"]

    def ledger(self):
        return self.admin("ledger")

    def order(self, link):
        """What truly became of an order; None: it never was."""
        return next((o for o in self.ledger()["orders"] if o["orderLinkId"] == link), None)


def sign(secret, text):
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class Client:
    """Signs as the venue's customers do."""

    def __init__(self, exchange, key=KEY, secret=SECRET, window="5000"):
        self.exchange, self.key, self.secret, self.window = exchange, key, secret, window

    def now(self):
        return int(time.time() * 1000)

    def headers(self, payload, ts=None):
        ts = str(self.now() if ts is None else ts)
        return {"X-BAPI-API-KEY": self.key, "X-BAPI-TIMESTAMP": ts, "X-BAPI-RECV-WINDOW": self.window, "X-BAPI-SIGN": sign(self.secret, ts + self.key + self.window + payload)}

    def get(self, path, **query):
        text = urllib.parse.urlencode(query)
        return self.exchange.call("GET", f"/v5/{path}?{text}", headers=self.headers(text))

    def post(self, path, **body):
        text = json.dumps(body)
        return self.exchange.call("POST", "/v5/" + path, text, {**self.headers(text), "Content-Type": "application/json"})

    def ok(self, path, **body):
        """The result of a POST that must work; of a GET for paths that end with '?'."""
        status, _, answer = self.get(path[:-1], **body) if path.endswith("?") else self.post(path, **body)
        assert status == 200 and answer["retCode"] == 0, (path, body, status, answer)
        return answer["result"]

    def create(self, link="", side="Buy", qty="0.01", price=None, symbol="BTCUSDT", **more):
        body = {"category": "linear", "symbol": symbol, "side": side, "qty": qty, "orderType": "Limit" if price else "Market", **more}
        if price:
            body["price"] = price
        if link:
            body["orderLinkId"] = link
        return self.post("order/create", **body)

    def request_bytes(self, path, **body):
        """A POST as bytes, for cutting it."""
        text = json.dumps(body)
        head = "".join(f"{k}: {v}\r\n" for k, v in self.headers(text).items())
        return f"POST /v5/{path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n{head}\r\n{text}".encode()


class Stream:
    """A WebSocket of a test: text frames only."""

    def __init__(self, exchange, path, client=None, topics=()):
        self.socket = socket.create_connection(("127.0.0.1", exchange.port), timeout=10)
        self.file = self.socket.makefile("rb")
        self.kept = []  # topics that came while an answer was waited for
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        status = self.file.readline()
        assert b" 101 " in status, status
        while self.file.readline().strip():
            pass
        if client:
            expires = str(client.now() + 10000)
            answer = self.ask("auth", client.key, expires, sign(client.secret, "GET/realtime" + expires))
            assert answer["success"], answer
        if topics:
            answer = self.ask("subscribe", *topics)
            assert answer["success"], answer

    def say(self, message):
        payload, mask = json.dumps(message).encode(), b"\1\2\3\4"
        head = struct.pack("!BB", 0x81, 0x80 | len(payload)) if len(payload) < 126 else struct.pack("!BBH", 0x81, 0x80 | 126, len(payload))
        self.socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def hear(self, timeout=10):
        """The next message; None: the connection ended. TimeoutError when nothing comes."""
        if self.kept:
            return self.kept.pop(0)
        self.socket.settimeout(timeout)
        head = self.file.read(2)
        if len(head) < 2:
            return None
        length = head[1] & 0x7F
        if length == 126:
            length = struct.unpack("!H", self.file.read(2))[0]
        elif length == 127:
            length = struct.unpack("!Q", self.file.read(8))[0]
        payload = self.file.read(length)
        if head[0] & 15 == 8:
            return None
        return json.loads(payload) if head[0] & 15 == 1 else self.hear(timeout)

    def ask(self, op, *args):
        self.say({"op": op, "req_id": "r1", "args": list(args)})
        kept, self.kept = self.kept, []
        while True:
            answer = self.hear()
            assert answer is not None, "closed"
            if "topic" not in answer:
                self.kept = kept
                return answer
            kept.append(answer)

    def until(self, fits, timeout=10):
        """Messages up to the first that fits."""
        heard = []
        end = time.monotonic() + timeout
        while not heard or not fits(heard[-1]):
            message = self.hear(max(0.01, end - time.monotonic()))
            assert message is not None, "closed"
            heard.append(message)
        return heard

    def close(self):
        self.file.close()
        self.socket.close()


def scratch():
    return tempfile.TemporaryDirectory(prefix="perigee-exchange-")
