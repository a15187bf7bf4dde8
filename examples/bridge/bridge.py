#!/usr/bin/env python3
"""Bridge mode: a bot that runs elsewhere tells Perigee what it does, and bring its settings along. Needs Python 3.9, nothing else.

    bridge.py post HOOK_URL --id ID --action OPENED --symbol BTCUSDT --side long --size 0.01 [--price P]
    bridge.py import-env FILE                                             what the file means here; nothing is sent
    bridge.py import-env FILE --url URL --account acc_… --create          makes the bot (stopped) and a hook; PERIGEE_KEY is an API key

As a module: post() in the bot itself, with an id of its own for each thing that happened. An id that comes again – after a time-out, a restart – is not acted upon again."""
import argparse
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request

ACTIONS = ("OPENED", "ADDED", "REDUCED", "CLOSED")
TRIES = 5

# Names as bots of this kind have them in their environment → the parameter of ema_dca.
PARAMS = {"BASE_ORDER_SIZE": "base", "BASE_ORDER": "base", "INITIAL_ORDER_SIZE": "base", "SAFETY_ORDERS": "orders", "MAX_SAFETY_ORDERS": "orders", "SAFETY_ORDER_STEP": "step", "PRICE_DEVIATION": "step",
          "STEP_SCALE": "spread", "SAFETY_ORDER_STEP_SCALE": "spread", "VOLUME_SCALE": "scale", "SAFETY_ORDER_VOLUME_SCALE": "scale", "MARTINGALE_MULTIPLIER": "scale", "TAKE_PROFIT": "take",
          "TAKE_PROFIT_PERCENT": "take", "STOP_LOSS": "stop", "STOP_LOSS_PERCENT": "stop", "EMA_PERIOD": "trend", "EMA_LENGTH": "trend"}
WHOLE = ("orders", "trend")
SECRET = re.compile(r"(KEY|SECRET|TOKEN|PASSWORD|PASSPHRASE)S?$")


def post(hook_url, id, action, symbol, side="long", size=None, price=None, ts=None, tries=TRIES, **more):
    """Tells one thing that happened; its answer: {"id", "duplicate"}. Tried again, with the same id, when nobody answered or it was too much at once."""
    message = {"id": str(id), "action": str(action), "symbol": symbol, "side": side, **({"size": size} if size is not None else {}), **({"price": price} if price is not None else {}),
               "ts": int(time.time() * 1000) if ts is None else ts, **more}
    request = urllib.request.Request(hook_url, json.dumps(message).encode(), {"Content-Type": "application/json"})
    for attempt in range(1, tries + 1):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as e:
            if attempt == tries or (e.code != 429 and e.code < 500):  # what is wrong with it will be wrong again
                raise
            wait = float(e.headers.get("Retry-After") or 2 ** attempt)
        except OSError:
            if attempt == tries:
                raise
            wait = 2 ** attempt
        time.sleep(min(wait, 30))


def read_env(text):
    """NAME=VALUE a line: export, comments and quotes as shells and dotenv have them; nothing is expanded."""
    values = {}
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = re.fullmatch(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)", line)
        if not match:
            raise ValueError(f"line {number}: not NAME=VALUE")
        name, value = match.groups()
        quoted = re.fullmatch(r"""(["'])(.*?)\1\s*(?:#.*)?""", value)
        values[name] = quoted.group(2) if quoted else re.sub(r"\s+#.*$", "", value).strip()
    return values


def plan(values):
    """What the variables mean here: {"bot": …, "paper", "secrets": names that are never sent, "unknown": names that mean nothing here}."""
    params, secrets, unknown, bot, paper, testnet = {}, [], [], {"strategy": "ema_dca", "timeframe": "5m"}, True, False
    for name, value in values.items():
        upper = name.upper()
        if SECRET.search(upper):
            secrets.append(name)
        elif upper in PARAMS:
            try:
                number = float(value.rstrip("%"))
            except ValueError:
                raise ValueError(f"{name}: '{value}' is no number") from None
            params[PARAMS[upper]] = int(number) if PARAMS[upper] in WHOLE else number
        elif upper in ("SYMBOL", "PAIR", "TRADING_PAIR"):
            bot["symbol"] = re.sub(r"[^A-Z0-9]", "", value.upper().split(":")[0])
        elif upper in ("TIMEFRAME", "INTERVAL", "CANDLE_INTERVAL"):
            bot["timeframe"] = value + "m" if value.isdigit() else value
        elif upper in ("BOT_NAME", "INSTANCE_NAME"):
            bot["name"] = value
        elif upper in ("DRY_RUN", "PAPER_TRADING"):
            paper = value.lower() in ("1", "true", "yes", "on")
        elif upper in ("TESTNET", "USE_TESTNET"):
            testnet = value.lower() in ("1", "true", "yes", "on")
        else:
            unknown.append(name)
    if "symbol" not in bot:
        raise ValueError("SYMBOL (or PAIR, TRADING_PAIR) is not there")
    bot.setdefault("name", f"{bot['symbol']} from elsewhere")
    return {"bot": {**bot, "params": params}, "paper": paper, "testnet": testnet, "secrets": sorted(secrets), "unknown": sorted(unknown)}


def call(url, key, method, path, body=None):
    request = urllib.request.Request(url.rstrip("/") + "/api/v1" + path, None if body is None else json.dumps(body).encode(), {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer) if answer.status != 204 else None
    except urllib.error.HTTPError as e:
        raise SystemExit(f"{method} {path}: {e.code} {e.read().decode(errors='replace')}") from None


def create(url, key, account, made, venue=None):
    """The bot, stopped, and a hook that only it listens to. The hook's address is shown this once."""
    bot = call(url, key, "POST", "/bots", {**made["bot"], "account_id": account, "start": False, **({"venue": venue} if venue else {})})
    hook = call(url, key, "POST", "/hooks", {"name": f"{made['bot']['name']} (bridge)"[:100], "settings": {"max_age_s": 300, "ttl_s": 60}})
    call(url, key, "PUT", f"/hooks/{hook['id']}/bots/{bot['id']}")
    return {"bot_id": bot["id"], "hook_id": hook["id"], "hook_url": url.rstrip("/") + hook["path"]}


def main(argv):
    parser = argparse.ArgumentParser(description="Bridge mode of Perigee.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("post")
    one.add_argument("hook_url")
    for name in ("--id", "--action", "--symbol"):
        one.add_argument(name, required=True)
    one.add_argument("--side", default="long", choices=("long", "short"))
    one.add_argument("--size", type=float)
    one.add_argument("--price", type=float)
    env = commands.add_parser("import-env")
    env.add_argument("file")
    for name in ("--url", "--account", "--venue"):
        env.add_argument(name)
    env.add_argument("--create", action="store_true")
    a = parser.parse_args(argv)
    if a.command == "post":
        print(json.dumps(post(a.hook_url, a.id, a.action, a.symbol, a.side, a.size, a.price)))
        return 0
    try:
        with open(a.file, encoding="utf-8") as f:
            made = plan(read_env(f.read()))
    except (OSError, ValueError) as e:
        print(f"{a.file}: {e}", file=sys.stderr)
        return 1
    if a.create:
        key = os.environ.get("PERIGEE_KEY")
        if not (a.url and a.account and key):
            parser.error("--create needs --url, --account and the environment variable PERIGEE_KEY")
        made["created"] = create(a.url, key, a.account, made, a.venue)
    print(json.dumps(made, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
