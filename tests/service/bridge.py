#!/usr/bin/env python3
"""Bridge mode as examples/bridge has it: bridge.py PERIGEE. Its client posts, again too, its strategy follows, and the environment of a self-hosted bot becomes a
bot here, without its secrets. Prints TAP."""
import json
import os
import pathlib
import subprocess
import sys

from hooks import HOOKS, until
from live import Trader
from service import Service, run_cases

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "bridge"


def example():
    """The example's module, which has this test's name."""
    import importlib.util
    spec = importlib.util.spec_from_file_location("bridge_example", EXAMPLE / "bridge.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(binary):
    cases, bridge = [], example()

    def case(title):
        return lambda f: cases.append((title, f)) or f

    @case("variables are read as they are written and what means nothing is said")
    def _():
        made = bridge.plan(bridge.read_env((EXAMPLE / "bot.env").read_text()))
        assert made["bot"] == {"strategy": "ema_dca", "timeframe": "5m", "symbol": "BTCUSDT", "name": "Night shift", "params": {
            "base": 150, "orders": 6, "step": 1.4, "spread": 1.25, "scale": 1.5, "take": 1.1, "stop": 9, "trend": 150}}, made
        assert made["paper"] and made["secrets"] == ["API_KEY", "API_SECRET", "TELEGRAM_BOT_TOKEN"] and made["unknown"] == ["EXCHANGE", "LEVERAGE", "TELEGRAM_CHAT_ID"], made
        assert bridge.read_env("A=1\r\n# no\r\nexport B = 'x # y' # z\nC=\"\"\nD=a#b c # d\n") == {"A": "1", "B": "x # y", "C": "", "D": "a#b c"}
        for wrong, says in (("SYMBOL=A\nSAFETY_ORDERS=many", "SAFETY_ORDERS: 'many' is no number"), ("TIMEFRAME=5", "SYMBOL"), ("a b", "line 1: not NAME=VALUE")):
            try:
                bridge.plan(bridge.read_env(wrong))
                raise SystemExit(f"{wrong} was taken")
            except ValueError as e:
                assert says in str(e), e

    with Service(binary, args=["--feed", "sim=sim:speed=600,seed=3"]) as s:
        ada = Trader(s, "ada@example.org")
        url = f"http://127.0.0.1:{s.port}"

        @case("what a bot elsewhere does is done here and once")
        def _():
            hook = ada.client.post(HOOKS, {"name": "bridge", "settings": {"max_age_s": 300}}, expect=201).json
            bot = ada.bot("mirror", (EXAMPLE / "mirror.lua").read_text())
            ada.client.put(f"{HOOKS}/{hook['id']}/bots/{bot}", expect=204)
            ada.wait(bot, lambda b: b["state"] == "running")
            steps = (("OPENED", 0.02, "0.02"), ("ADDED", 0.01, "0.03"), ("REDUCED", 0.02, "0.01"), ("CLOSED", None, None))
            for i, (action, size, left) in enumerate(steps):
                for again in (False, True):
                    answer = bridge.post(url + hook["path"], f"night-{i}", action, "BTCUSDT", size=size)
                    assert answer["duplicate"] == again, answer
                ada.wait(bot, lambda b: [p["qty"] for p in b["live"]["positions"]] == ([left] if left else []))  # noqa: B023
            out = subprocess.run([sys.executable, str(EXAMPLE / "bridge.py"), "post", url + hook["path"], "--id", "night-4", "--action", "OPENED", "--symbol", "BTCUSDT", "--side", "short", "--size", "0.01"],
                                 capture_output=True, text=True, check=True).stdout
            assert not json.loads(out)["duplicate"]
            ada.wait(bot, lambda b: [p["qty"] for p in b["live"]["positions"]] == ["-0.01"])
            try:
                bridge.post(url + hook["path"], "late", "CLOSED", "BTCUSDT", ts=1774854000000)
                raise SystemExit("an old one was taken")
            except bridge.urllib.error.HTTPError as e:
                assert e.code == 422, e

        @case("a self hosted bot's environment becomes a bot and its secrets stay there")
        def _():
            subprocess.run([s.binary, "script", "put", "strategy", str(ROOT / "strategies/ema_dca.lua"), "--activate", "--data-dir", str(s.data)], check=True, capture_output=True)
            key = ada.client.post("/api/v1/me/api-keys", {"name": "bridge", "scopes": ["read", "trade"]}, headers={"Idempotency-Key": "bridge"}, expect=201).json["key"]
            done = subprocess.run([sys.executable, str(EXAMPLE / "bridge.py"), "import-env", str(EXAMPLE / "bot.env"), "--url", url, "--account", ada.account, "--venue", "sim", "--create"],
                                  capture_output=True, text=True, env={**os.environ, "PERIGEE_KEY": key})
            assert done.returncode == 0, done.stderr
            made = json.loads(done.stdout)["created"]
            bot = ada.get(made["bot_id"])
            assert bot["state"] == "stopped" and bot["name"] == "Night shift" and bot["params"]["orders"] == 6 and bot["params"]["scale"] == 1.5, bot
            assert not bridge.post(made["hook_url"], "hello", "OPENED", "BTCUSDT", size=0.01)["duplicate"]
            until(lambda: ada.client.get(f"{HOOKS}/{made['hook_id']}/deliveries", expect=200).json["items"][0]["state"], lambda state: state == "delivered")
            # The same by the binary: what was taken, what was not and why; without an account of paper only when the file says so.
            def shell(*words, code=0):
                done = subprocess.run([s.binary, "hook", *words, "--data-dir", str(s.data), "--json", "-"], capture_output=True, text=True, timeout=30)
                assert done.returncode == code, done
                return json.loads(done.stdout) if code == 0 else done.stderr
            file = ("import-env", str(EXAMPLE / "bot.env"))
            dry = shell(*file, "--dry-run")
            took, left = {t["name"]: t["as"] for t in dry["taken"]}, {t["name"]: t["why"] for t in dry["ignored"]}
            assert took["BASE_ORDER_SIZE"] == "params.base" and took["DRY_RUN"] == "paper" and "secret" in left["API_KEY"] and "account" in left["LEVERAGE"] and "created" not in dry, dry
            here = shell(*file, "--tenant", "ada@example.org", "--account", ada.account, "--venue", "sim")
            bot = ada.get(here["created"]["bot_id"])
            assert bot["state"] == "stopped" and bot["params"] == ada.get(made["bot_id"])["params"], bot
            assert not bridge.post(url + here["created"]["hook_path"], "hello", "OPENED", "BTCUSDT", size=0.01)["duplicate"]
            assert here["created"]["hook_id"] in [h["id"] for h in shell("list", "--tenant", "ada@example.org")["items"]]
            assert "--account" in shell(*file, "--tenant", "ada@example.org", code=2) and "whose?" in shell(*file, code=2)
            assert s.stop() == 0
            for secret in ("xQ3pLr9TzV0aBcDeFg", "s3cr3t", "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"):
                assert not [f for f in s.data.rglob("*") if f.is_file() and secret.encode() in f.read_bytes()] and secret not in s.log_path.read_text(), secret
            s.start()

        return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
