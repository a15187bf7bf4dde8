"""A terminal of MetaTrader with our expert, scripted: a small market, an account that nets or hedges, the expert's own file of commands, and the
protocol of examples/metatrader/README.md. The account is the oracle: what it executed is what is true.

    t = Terminal(service, keys, symbols=[symbol("BTCUSDT", …)])
    t.hello(); t.poll()
"""
import decimal
import hashlib
import hmac
import json
import threading
import time

D = decimal.Decimal


def symbol(name, tick="0.01", contract="1", step="0.001", least=None, most="1000", base="BTC", profit="USD", trading=True):
    return {"symbol": name, "base": base, "profit": profit, "tick": tick, "contract": contract, "volume_min": least or step, "volume_max": most, "volume_step": step, "trading": trading}


def text(number):
    return format(D(number).normalize(), "f")


class Broker:
    """What the terminal trades at: orders, deals, positions. Lives on when the expert dies."""

    def __init__(self, hedging=True, balance="50000"):
        self.hedging, self.balance = hedging, D(balance)
        self.orders, self.deals, self.positions = {}, [], []
        self.prices, self.next, self.sent = {}, 1000, []
        self.chart = None  # of (symbol, ms): what its price was; None: what it is
        self.refuse = None  # (why, text) of all orders

    def ticket(self):
        self.next += 1
        return str(self.next)

    def now_ms(self):
        return time.time_ns() // 1000000

    def bars(self, name, minutes, from_ms, room):
        """Closed bars of the terminal's chart, as a report tells them."""
        step, at, rows = minutes * 60000, from_ms, []
        end = self.now_ms() // step * step
        while at < end and len(rows) < room:
            price = self.chart(name, at) if self.chart else self.prices[name]
            rows.append([at, text(price), text(price + 1), text(price - 1), text(price), 7])
            at += step
        return {"symbol": name, "minutes": minutes, "from_ms": from_ms, "through_ms": at, "list": rows}

    def by_client(self, client):
        return next((o for o in self.orders.values() if o["client"] == client), None)

    def fill(self, order, price):
        side = 1 if order["side"] == "buy" else -1
        left = D(order["volume"])
        if not self.hedging or order["reduce"] or order["type"] == "market":  # the expert closes what is opposite first
            for p in list(self.positions):
                if p["symbol"] != order["symbol"] or p["side"] == side or left == 0:
                    continue
                part = min(left, p["volume"])
                p["volume"] -= part
                left -= part
                self.deal(order, part, price)
                if p["volume"] == 0:
                    self.positions.remove(p)
        if order["reduce"]:
            order["volume"] = text(D(order["volume"]) - left)
        elif left:
            self.positions.append({"ticket": self.ticket(), "symbol": order["symbol"], "side": side, "volume": left, "price": price})
            self.deal(order, left, price)
        order["state"], order["filled"] = "filled", order["volume"]

    def deal(self, order, volume, price):
        self.deals.append({"ticket": self.ticket(), "order": order["ticket"], "client": order["client"], "symbol": order["symbol"], "side": order["side"], "volume": text(volume), "price": text(price),
                           "fee": text(D(volume) * D("0.5")), "time_ms": self.now_ms()})

    def place(self, c):
        """OrderSend. The refusal's words, or the order."""
        self.sent.append(c["client"])
        if self.refuse:
            return self.refuse, None
        price = self.prices[c["symbol"]]
        if c["reduce"] and c["type"] == "market" and not any(p["symbol"] == c["symbol"] and p["side"] == (-1 if c["side"] == "buy" else 1) for p in self.positions):
            return ("reduce_only", "Position closed already"), None
        if D(c["volume"]) * price > self.balance * 100:
            return ("funds", "No money"), None
        order = {"ticket": self.ticket(), "client": c["client"], "symbol": c["symbol"], "state": "open", "side": c["side"], "type": c["type"], "volume": c["volume"], "filled": "0", "price": c.get("price"),
                 "trigger": c.get("trigger"), "time_ms": self.now_ms(), "reduce": c["reduce"], "magic": c["magic"]}
        self.orders[order["ticket"]] = order
        if c["type"] == "market":
            self.fill(order, price)
        else:
            self.move(c["symbol"], price)
        return None, order

    def move(self, name, price):
        price = self.prices[name] = D(price)
        for o in list(self.orders.values()):
            if o["symbol"] != name or o["state"] != "open":
                continue
            up = o["side"] == "buy"
            if o["type"] in ("stop", "stop_limit") and (price >= D(o["trigger"]) if up else price <= D(o["trigger"])):
                o["type"] = "market" if o["type"] == "stop" else "limit"
            if o["type"] == "market":
                self.fill(o, price)
            elif o["type"] == "limit" and (price <= D(o["price"]) if up else price >= D(o["price"])):
                self.fill(o, min(price, D(o["price"])) if up else max(price, D(o["price"])))

    def cancel(self, c):
        order = self.orders.get(c.get("ticket") or "") or self.by_client(c["client"])
        if not order:
            return ("not_found", "Invalid ticket"), None
        if order["state"] != "open":
            return ("done", "Order closed already"), order
        order["state"] = "canceled"
        return None, order

    def net(self, name=None):
        return sum((p["volume"] * p["side"] for p in self.positions if name in (None, p["symbol"])), D(0))


class Refused(Exception):
    def __init__(self, answer):
        super().__init__(repr(answer))
        self.status, self.answer, self.code = answer.status, answer, answer.code


class Terminal:
    """The expert. What it has begun is in self.journal, which outlives it as its file would."""

    def __init__(self, service, keys, broker=None, symbols=None, platform="mt5", login="12345", journal=None, real=False, currency="USD"):
        self.client, self.keys, self.path = service.anonymous(), keys, keys["path"]
        self.broker = broker or Broker()
        self.symbols = symbols or [symbol("BTCUSDT")]
        for s in self.symbols:
            self.broker.prices.setdefault(s["symbol"], D("60000"))
        self.platform, self.login, self.real, self.currency = platform, login, real, currency
        self.journal = {} if journal is None else journal  # id → {"said", …}; said None: begun
        self.sequence, self.turn, self.since_ms, self.ask, self.bars = 0, 0, 0, [], []
        self.results, self.trading, self.lose = [], True, None
        self.wait_ms, self.held_ms = 0, []
        self.executed, self.lock, self.thread, self.stopping = [], threading.RLock(), None, False

    # ---- the wire
    def sign(self, method, path, number, body):
        return hmac.new(self.keys["secret"].encode(), f"{method}\n{path}\n{number}\n".encode() + body, hashlib.sha256).hexdigest()

    def request(self, method, what, tree=None, number=None, signature=None, raw=None):
        path = f"{self.path}/{what}"
        body = raw if raw is not None else json.dumps(tree).encode() if tree is not None else b""
        if number is None:
            self.sequence += 1
            number = self.sequence
        headers = {"X-Perigee-Sequence": str(number), "X-Perigee-Signature": signature or self.sign(method, path, number, body)}
        answer = self.client.call(method, path, raw=body, headers=headers)
        if answer.status == 409 and "x-perigee-sequence" in answer.headers:
            self.sequence = max(self.sequence, int(answer.headers["x-perigee-sequence"]))
        if answer.status != 200:
            raise Refused(answer)
        assert hmac.compare_digest(answer.headers["x-perigee-signature"], self.sign("ANSWER", path, number, answer.body)), "an answer that is not signed"
        return answer.json

    def heard(self, answer):
        self.turn, self.since_ms, self.ask, self.bars = answer["turn"], answer["since_ms"], answer["ask"], answer["bars"]
        return answer["commands"]

    # ---- the expert
    def hello(self):
        tree = {"protocol": 1, "platform": self.platform, "version": "1.0 (test)", "login": self.login, "server": "Test-Server", "currency": self.currency, "hedging": self.broker.hedging, "real": self.real,
                "symbols": self.symbols}
        try:
            return self.heard(self.request("POST", "hello", tree))
        except Refused as e:
            if "x-perigee-sequence" not in e.answer.headers:
                raise
            return self.heard(self.request("POST", "hello", tree))

    def order_row(self, o):
        return {k: o[k] for k in ("ticket", "client", "symbol", "state", "side", "volume", "filled", "price", "trigger", "time_ms") if o.get(k) is not None}

    def told(self, client):
        o = self.broker.by_client(client)
        if o:
            return self.order_row(o)
        begun = self.journal.get(client)
        return {"client": client, "state": "unsure" if begun and begun["said"] is None else "absent"}

    def charts(self):
        room, lists = 500, []
        for b in self.bars:
            lists.append(self.broker.bars(b["symbol"], b["minutes"], b["from_ms"], room))
            room -= len(lists[-1]["list"])
            if room <= 0:
                break
        return lists

    def report(self):
        b, equity = self.broker, text(self.broker.balance)
        ended = [o for o in b.orders.values() if o["state"] == "open" or o["time_ms"] >= self.since_ms]
        return {"turn": self.turn, "since_ms": self.since_ms, "more": False, "wait_ms": self.wait_ms, "account": {"balance": equity, "equity": equity, "margin": "0", "free": equity, "trading": self.trading},
                "orders": [self.order_row(o) for o in ended],
                "positions": [{"ticket": p["ticket"], "symbol": p["symbol"], "side": "buy" if p["side"] > 0 else "sell", "volume": text(p["volume"]), "price": text(p["price"]), "profit": "0"} for p in b.positions],
                "deals": [d for d in b.deals if d["time_ms"] >= self.since_ms][:500], "results": list(self.results), "told": [self.told(c) for c in self.ask],
                "ticks": [{"symbol": s, "bid": text(p), "ask": text(p), "time_ms": b.now_ms()} for s, p in b.prices.items()],
                "bars": self.charts()}

    def poll(self, execute=True):
        """One round. Greets again when the service asks for it."""
        with self.lock:
            asked, sent = time.monotonic(), len(self.results)
            report = self.report()
            try:
                commands = self.heard(self.request("POST", "poll", report))
                self.held_ms.append(((time.monotonic() - asked) * 1000, bool(commands)))
            except Refused as e:
                if e.status != 409 or "x-perigee-sequence" in e.answer.headers:
                    raise
                self.hello()
                return []
            del self.results[:sent]
            if execute:
                for c in commands:
                    self.execute(c, asked, alone=len(commands) == 1)
            return commands

    def execute(self, c, asked, alone=False):
        """Once, ever: the journal is written first. Returns False where it was done before. lose: killed here, before or after it has left; only
        with a command that came alone, since others of the answer would take half a minute to be known as absent."""
        lose, self.lose = (self.lose if alone else None), (None if alone else self.lose)
        if c["id"] in self.journal:
            if self.journal[c["id"]]["said"]:
                self.results.append({"id": c["id"], **self.journal[c["id"]]})
            return False
        if time.monotonic() >= asked + c["lease_ms"] / 1000:
            self.journal[c["id"]] = {"said": "missed"}
            self.results.append({"id": c["id"], "said": "missed"})
            return False
        self.journal[c["id"]] = {"said": None}
        if lose == "before":
            raise ConnectionAbortedError("killed before the order left")
        self.executed.append(c["id"])
        refused, order = self.broker.cancel(c) if c["do"] == "cancel" else self.broker.place(c)
        if lose == "after":
            raise ConnectionAbortedError("killed when the order had left")
        result = {"id": c["id"], "said": "refused", "why": refused[0], "code": 10013, "text": refused[1]} if refused else {"id": c["id"], "said": "done"}
        if order:
            result["ticket"] = order["ticket"]
        self.journal[c["id"]] = result
        self.results.append(result)
        return True

    def restarted(self, service=None):
        """The expert after a kill: another one, with the same account and the same file. What was begun is looked up."""
        self.stop()
        other = Terminal(service or self.client.service, self.keys, self.broker, self.symbols, self.platform, self.login, self.journal, self.real, self.currency)
        # Whether the service has the last results is not in the file: they are told again.
        other.results = [{"id": name, **entry} for name, entry in list(self.journal.items())[-50:] if entry["said"] is not None]
        for name, entry in self.journal.items():
            if entry["said"] is not None:
                continue
            order = self.broker.by_client(name)
            entry.update({"id": name, "said": "done", "ticket": order["ticket"]} if order else {"id": name, "said": "refused", "why": "other", "text": "it never left the terminal"})
            other.results.append(dict(entry))
        return other

    # ---- on its own
    def start(self, every_s=0.03):
        def run():
            while not self.stopping:
                try:
                    self.poll()
                except (OSError, Refused):  # the service is gone, or is coming back
                    time.sleep(0.05)
                time.sleep(every_s)
        self.stopping = False
        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        return self

    def stop(self):
        self.stopping = True
        if self.thread:
            self.thread.join(30)
            self.thread = None
