#!/usr/bin/env python3
"""Test my bot in hell: two bots buy the same forty orders on `perigee exchange` while it drops, delays and spoils every third answer.

    examples/exchange/hell.py [PERIGEE]        (build/engine/perigee; only Python's own library is needed)

The naive bot sends an order again when no answer comes. The careful one names each order (orderLinkId) before it sends it, and when it
does not know what happened it asks, until the answer stays the same; it never sends the same wish under another name. At the end the
exchange's own ledger tells what truly happened: orders that a bot wanted once and has twice, or believes it has and has not."""
import hashlib
import hmac
import http.client
import json
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

PERIGEE = sys.argv[1] if len(sys.argv) > 1 else str(Path(__file__).resolve().parents[2] / "build/engine/perigee")
ORDERS = 40
# What goes wrong, for the same requests the same way: --seed.
HELL = "drop_before:on=order/create,p=0.08; drop_after:on=order/create,p=0.08; late:on=order/create,p=0.05,value=250; error_after:p=0.05; " \
       "internal_after:on=order/create,p=0.05; half_reply:p=0.05; not_found:on=order/realtime,p=0.2,value=200; throttle:p=0.03,value=50"


class Unknown(Exception):
    """Nobody knows whether the request had its effect."""


class Api:
    """As much of Bybit v5 as a bot needs."""

    def __init__(self, port, key, secret):
        self.port, self.key, self.secret = port, key, secret

    def call(self, method, path, params):
        payload = json.dumps(params) if method == "POST" else urllib.parse.urlencode(params)
        stamp = str(int(time.time() * 1000))
        sign = hmac.new(self.secret.encode(), (stamp + self.key + "5000" + payload).encode(), hashlib.sha256).hexdigest()
        headers = {"X-BAPI-API-KEY": self.key, "X-BAPI-TIMESTAMP": stamp, "X-BAPI-RECV-WINDOW": "5000", "X-BAPI-SIGN": sign, "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3)
        try:
            if method == "POST":
                connection.request("POST", path, payload, headers)
            else:
                connection.request("GET", f"{path}?{payload}", headers=headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status >= 500:
                raise Unknown(f"HTTP {answer.status}")
            answer = json.loads(text)
        except (OSError, http.client.HTTPException, ValueError) as why:
            raise Unknown(str(why)) from why
        finally:
            connection.close()
        if answer["retCode"] in (10000, 10016):
            raise Unknown(answer["retMsg"])
        return answer

    def buy(self, name=None):
        order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.001", "price": "50000"}
        return self.call("POST", "/v5/order/create", {**order, **({"orderLinkId": name} if name else {})})

    def find(self, name):
        while True:
            try:
                answer = self.call("GET", "/v5/order/realtime", {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": name})
            except Unknown:
                continue  # a question may be asked again
            if answer["retCode"] == 0:
                return bool(answer["result"]["list"])
            time.sleep(0.05)


def naive(api):
    """Wants an order; sends it until it hears a yes."""
    while True:
        try:
            if api.buy()["retCode"] == 0:
                return True
        except Unknown:
            pass  # "it failed, so I send it again"


def careful(api, name):
    """Wants an order; knows in the end whether it has it."""
    while True:
        try:
            code = api.buy(name)["retCode"]
        except Unknown:
            code = None
        if code in (0, 110072):  # done; or done before
            return True
        if code == 10006:  # throttled: nothing happened
            time.sleep(0.06)
            continue
        # Unknown. "Not found" is believed when it has stayed so for longer than an order can be under way.
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            if api.find(name):
                return True
            time.sleep(0.05)
        # It never arrived: the same name can be sent again, since the venue refuses a second one.


def main():
    keys = ["--key", "naive:s1", "--key", "careful:s2"]
    exchange = subprocess.Popen([PERIGEE, "exchange", "--listen", "127.0.0.1:0", "--feed", "none", "--no-limits", "--seed", "7", "--faults", HELL, *keys, "--json", "-"], stdout=subprocess.PIPE, text=True)
    try:
        port = json.loads(exchange.stdout.readline())["port"]
        believes = {"naive": sum(naive(Api(port, "naive", "s1")) for _ in range(ORDERS)), "careful": sum(careful(Api(port, "careful", "s2"), f"wish-{i}") for i in range(ORDERS))}
        time.sleep(0.4)  # what is late comes now
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/admin/ledger")
        ledger = json.loads(connection.getresponse().read())
        connection.close()
    finally:
        exchange.terminate()
        exchange.wait()
    spoiled = sum(1 for r in ledger["requests"] if r.get("fault"))
    print(f"{len(ledger['requests'])} requests, {spoiled} of them spoiled.")
    wrong = {}
    for account, bot in enumerate(("naive", "careful")):
        has = sum(1 for o in ledger["orders"] if o["account"] == account)
        wrong[bot] = has - ORDERS
        print(f"{bot:8} wanted {ORDERS} orders, believes it has {believes[bot]}, has {has}: {'right' if has == ORDERS else f'{has - ORDERS} too many'}")
    return 0 if wrong["careful"] == 0 and wrong["naive"] > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
