"""A MetaTrader 5 with Darwinex' public expert DWX_Server_MT5, as its files show it to a client: commands are read and deleted, everything else is written as
that expert writes it. Positions side by side; an OPEN_ORDER always opens. What it executed is what is true."""
import decimal
import json
import pathlib
import threading
import time

D = decimal.Decimal


def text(number):
    return format(D(number).normalize(), "f")


class DwxTerminal:
    def __init__(self, folder, symbol="BTCUSDT", price="60000"):
        self.folder, self.symbol, self.price = pathlib.Path(folder) / "DWX", symbol, D(price)
        self.folder.mkdir(parents=True)
        self.orders, self.deals, self.messages, self.ids = {}, {}, {}, set()
        self.next, self.opened, self.lock, self.stopping = 1000, [], threading.RLock(), False
        self.deaf, self.at_open, self.in_history = False, None, None  # what a test has happen, once: before an order is opened, while deals are collected
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping = True
        self.thread.join(10)

    def net(self):
        with self.lock:
            return sum((D(str(o["lots"])) * (1 if o["type"] == "buy" else -1) for o in self.orders.values() if o["type"] in ("buy", "sell")), D(0))

    def number(self):
        self.next += 1
        return self.next

    def stamp(self):
        return time.strftime("%Y.%m.%d %H:%M:%S", time.gmtime())

    def write(self, name, tree):
        (self.folder / f"DWX_{name}.txt").write_text(json.dumps(tree, default=float))  # not at once, as there

    def say(self, kind, **more):
        self.messages[str(max([int(k) for k in self.messages] or [0]) + 1)] = {"type": kind, "time": self.stamp(), **more}
        self.write("Messages", self.messages)

    def deal(self, kind, entry, lots, comment):
        self.deals[str(self.number())] = {"magic": 0, "symbol": self.symbol, "lots": float(lots), "type": kind, "entry": entry, "deal_time": self.stamp(), "deal_price": float(self.price), "pnl": 0.0,
                                          "commission": -0.5, "swap": 0.0, "comment": comment}

    def happen(self, what):
        act, _ = getattr(self, what), setattr(self, what, None)
        if act:
            act()

    def fill(self):
        """The one order that waits is executed, as the price came there."""
        o = next(o for o in self.orders.values() if o["type"] not in ("buy", "sell"))
        o["type"] = o["type"].removesuffix("limit").removesuffix("stop")
        self.deal(o["type"], "entry_in", str(o["lots"]), o["comment"])
        self.write_orders()

    def command(self, name, content):
        part = content.split(",")
        if name == "OPEN_ORDER":
            self.happen("at_open")
            symbol, kind, lots, price, _, _, magic, comment, _ = part
            if symbol != self.symbol:
                return self.say("ERROR", error_type="OPEN_ORDER_LOTSIZE_OUT_OF_RANGE", description="no such symbol")
            self.opened.append(comment)
            ticket = str(self.number())
            self.orders[ticket] = {"magic": int(magic), "symbol": symbol, "lots": float(lots), "type": kind, "open_price": float(self.price if kind in ("buy", "sell") else price), "open_time": self.stamp(), "SL": 0.0,
                                   "TP": 0.0, "pnl": 0.0, "swap": 0.0, "comment": comment}
            if kind in ("buy", "sell"):
                self.deal(kind, "entry_in", lots, comment)
            self.say("INFO", message=f"Successfully sent order {ticket}")
        elif name == "CLOSE_ORDER":
            ticket, lots = part
            o = self.orders.get(ticket)
            if not o:
                return self.say("ERROR", error_type="CLOSE_ORDER_TICKET", description="no such ticket")
            if o["type"] not in ("buy", "sell"):
                del self.orders[ticket]
                return self.say("INFO", message=f"Successfully deleted order: {ticket}")
            part = min(D(lots), D(str(o["lots"]))) or D(str(o["lots"]))
            self.deal("sell" if o["type"] == "buy" else "buy", "entry_out", part, "")
            o["lots"] = float(D(str(o["lots"])) - part)
            if o["lots"] == 0:
                del self.orders[ticket]
            self.say("INFO", message=f"Successfully closed order: {ticket}")
        elif name == "GET_HISTORIC_TRADES":
            collected = dict(self.deals)
            self.happen("in_history")
            self.write("Historic_Trades", collected)
        elif name == "RESET_COMMAND_IDS":
            self.ids.clear()

    def write_orders(self):
        account = {"name": "Test", "number": 4711, "currency": "USD", "leverage": 100, "free_margin": 50000.0, "balance": 50000.0, "equity": 50000.0}
        self.write("Orders", {"account_info": account, "orders": self.orders})

    def run(self):
        while not self.stopping:
            with self.lock:
                for i in range(0 if self.deaf else 50):
                    path = self.folder / f"DWX_Commands_{i}.txt"
                    try:
                        raw = path.read_text()
                        path.unlink()
                    except OSError:
                        continue
                    assert raw.startswith("<:") and raw.endswith(":>"), raw
                    number, name, content = raw[2:-2].split("|")
                    if name == "RESET_COMMAND_IDS" or int(number) not in self.ids:  # it refuses the last 1000 it has seen
                        self.command(name, content)
                        self.ids.add(int(number))
                self.write_orders()
                self.write("Market_Data", {self.symbol: {"bid": float(self.price), "ask": float(self.price), "tick_value": 1.0}})
            time.sleep(0.005)
