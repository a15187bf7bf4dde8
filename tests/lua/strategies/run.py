#!/usr/bin/env python3
"""Every shipped strategy on real bars through the real binary: runs, adds up, keeps its promises, and is the same twice.

An independent client: money is recomputed with decimal from fills and prices. Prints TAP. Usage: run.py PERIGEE ROOT
"""
import json, os, subprocess, sys, tempfile
from collections import defaultdict
from datetime import datetime, timezone
from decimal import Decimal, ROUND_CEILING
from zoneinfo import ZoneInfo

PERIGEE, ROOT = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
BARS = f"{ROOT}/tests/fixtures/bars"
SP500 = f"{ROOT}/examples/data/SP500_1d.csv"
BTC1M, FESX = f"{BARS}/BTCUSDT_1m.csv.gz", f"{BARS}/FESX_1m.csv.gz"
PORTFOLIO = [f"{BARS}/{s}USDT_1h.csv.gz" for s in ("BTC", "ETH", "ADA")]
TOLERANCE = Decimal("0.000001")

# strategy: data, flags, fewest trades that make the run worth looking at
RUNS = {
    "sma_cross": ([SP500], ["--fee", "0.0005"], 20),
    "rsi_reversion": ([SP500], ["--fee", "0.0005", "--lot", "0.001"], 20),
    "ema_dca": ([BTC1M], ["--fee", "0.0004", "--param", "trend=100", "--param", "step=0.3", "--param", "take=0.4"], 10),
    "grid": ([BTC1M], ["--fee", "0.0004", "--param", "step=0.5"], 20),
    "bos_retest": ([BTC1M], ["--fee", "0.0004"], 10),
    "submarine": (PORTFOLIO, ["--fee", "0.0005"], 10),
    "ferrari_scalper": ([FESX], ["--multiplier", "10", "--cash", "100000", "--fee-per-unit", "1"], 10),
    "smart_dca": ([BTC1M], ["--fee", "0.0004", "--param", "step=0.3", "--param", "take=0.5"], 5),
    "rebalance": (PORTFOLIO, ["--fee", "0.0005"], 5),
}


def backtest(name, data, flags, out):
    cmd = [PERIGEE, "backtest", f"{ROOT}/strategies/{name}.lua", "--json", out, "--quiet"] + [x for f in data for x in ("--data", f)] + flags
    done = subprocess.run(cmd, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr.strip()}"
    return json.load(open(out))


def flag(flags, name, absent):
    return Decimal(flags[flags.index(name) + 1]) if name in flags else Decimal(absent)


def check_money(r, flags):
    """Fees from fills, pnl from prices, equity from both: to the last 1e-8 that is shown."""
    multiplier, fee, per_unit = flag(flags, "--multiplier", "1"), flag(flags, "--fee", "0"), flag(flags, "--fee-per-unit", "0")
    fees = Decimal(0)
    for f in r["fills"]:
        qty, price = Decimal(f["qty"]), Decimal(f["price"])
        exact = qty * price * multiplier * fee + qty * per_unit
        want = exact.quantize(Decimal("1e-8"), ROUND_CEILING)
        assert abs(Decimal(f["fee"]) - want) <= Decimal("1e-8"), f"fee of {f}: {want}"
        fees += Decimal(f["fee"])
    assert fees == Decimal(r["stats"]["fees"]), f"fees {fees}, stats say {r['stats']['fees']}"
    closed = Decimal(0)
    for t in r["trades"]:
        sign = 1 if t["side"] == "long" else -1
        want = sign * (Decimal(t["exit_price"]) - Decimal(t["entry_price"])) * Decimal(t["qty"]) * multiplier - Decimal(t["fees"])
        assert abs(Decimal(t["pnl"]) - want) <= TOLERANCE, f"trade {t}: pnl {want}"
        closed += Decimal(t["pnl"])
    pending_fees = fees - sum(Decimal(t["fees"]) for t in r["trades"])
    total = Decimal(r["config"]["cash"]) + closed - pending_fees + sum(Decimal(o["pnl"]) for o in r["open"])
    # trades pair first-in-first-out, open positions are at average cost: they agree when nothing is open
    if not r["open"]:
        assert abs(total - Decimal(r["stats"]["equity_final"])) <= TOLERANCE * 100, f"equity {total}, {r['stats']['equity_final']}"


def positions(r):
    """(time, symbol, signed quantity after the fill, price) in order."""
    held = defaultdict(Decimal)
    for f in r["fills"]:
        held[f["symbol"]] += Decimal(f["qty"]) * (1 if f["side"] == "buy" else -1)
        yield f["time"], f["symbol"], held[f["symbol"]], Decimal(f["price"])


def never_short(r):
    assert all(q >= 0 for _, _, q, _ in positions(r)), "went short"


def within(limit):
    def check(r):
        invested = Decimal(0)
        held = defaultdict(Decimal)
        for f in r["fills"]:
            sign = 1 if f["side"] == "buy" else -1
            before = held[f["symbol"]]
            held[f["symbol"]] += sign * Decimal(f["qty"])
            invested = invested + Decimal(f["qty"]) * Decimal(f["price"]) if sign > 0 else invested * (held[f["symbol"]] / before if before else 0)
            assert invested <= limit * Decimal("1.001"), f"{invested} invested at {f['time']}, declared {limit}"
    return check


def declared(name, flags):
    """What the script's own risk.max_notional says for these parameters."""
    params = [flags[i + 1] for i, x in enumerate(flags) if x == "--param"]
    source = json.loads(subprocess.run([PERIGEE, "check", f"{ROOT}/strategies/{name}.lua"], capture_output=True, text=True, check=True).stdout)
    assert not any(p.split("=")[0] in ("base", "orders", "scale", "levels", "slice") for p in params)
    return Decimal(str(source["max_notional"]))


def session(r):
    """Flat outside 09:15–17:15 in Berlin; an exit given at the close may fill on the next bar."""
    zone = ZoneInfo("Europe/Berlin")
    for t in r["trades"]:
        entry = datetime.fromtimestamp(t["entry_time"] / 1000, timezone.utc).astimezone(zone)
        leave = datetime.fromtimestamp(t["exit_time"] / 1000, timezone.utc).astimezone(zone)
        assert (9, 15) <= (entry.hour, entry.minute) < (17, 15), f"entry at {entry}"
        assert entry.date() == leave.date() and (leave.hour, leave.minute) <= (17, 15), f"exit at {leave}"
    per_day = defaultdict(int)
    for t in r["trades"]:
        per_day[datetime.fromtimestamp(t["entry_time"] / 1000, timezone.utc).date(), t["position_id"]] = 1
    days = defaultdict(int)
    for day, _ in per_day:
        days[day] += 1
    assert max(days.values()) <= 8, f"{max(days.values())} trades in a day"


def stops_cost_little(r):
    """A trade sized by risk loses about that much at its stop: no trade of submarine costs more than 2 % of the cash."""
    worst = min(Decimal(t["pnl"]) for t in r["trades"])
    assert worst > -Decimal(r["config"]["cash"]) * Decimal("0.02"), f"lost {worst} in one trade"


def weights_hold(r):
    for o in r["open"]:
        value = Decimal(o["qty"]) * Decimal(o["mark_price"])
        share = value / Decimal(r["stats"]["equity_final"])
        assert share < Decimal("0.6"), f"{o['symbol']} is {share:.2f} of the portfolio"
    assert {o["symbol"] for o in r["open"]} == {"BTCUSDT", "ETHUSDT", "ADAUSDT"}


def logged_scores(r):
    lines = [l["text"] for l in r["logs"] if l["text"].startswith("score")]
    assert lines, "no score was logged"
    for line in lines:  # the declared function, recomputed from what it logged
        w = line.replace(":", "").replace(",", "").split()
        score, rsi, z, natr, adx, gap = (float(w[i]) for i in (1, 3, 5, 7, 9, 11))
        clip = lambda x: max(0.0, min(1.0, x))
        want = 0.3 * clip((45 - rsi) / 30) + 0.2 * clip(-z / 3) + 0.15 * (1 - clip((natr - 0.5) / 4)) + 0.15 * (1 - clip((adx - 15) / 35)) + 0.2 * (1 - clip(-gap / 15))
        assert abs(want - score) < 0.01, f"{line}: {want:.3f}"


PROMISES = {
    "sma_cross": [never_short], "rsi_reversion": [never_short], "submarine": [never_short, stops_cost_little],
    "ferrari_scalper": [session], "rebalance": [never_short, weights_hold], "smart_dca": [never_short, logged_scores],
    "ema_dca": [never_short], "grid": [never_short],
}


def run(name):
    data, flags, fewest = RUNS[name]
    with tempfile.TemporaryDirectory() as tmp:
        first, second = (backtest(name, data, flags, f"{tmp}/{i}.json") for i in range(2))
    assert first["hash"] == second["hash"], "two runs, two hashes"
    assert first["stats"]["trades"] >= fewest, f"{first['stats']['trades']} trades, at least {fewest} expected"
    refused = sum(d["count"] for d in first["denied"])
    assert refused <= len(first["fills"]) // 10, f"{refused} orders refused: {first['denied']}"
    check_money(first, flags)
    for promise in PROMISES.get(name, []):
        promise(first)
    if name in ("ema_dca", "grid", "smart_dca"):
        within(declared(name, flags))(first)


def main():
    names = sorted(f[:-4] for f in os.listdir(f"{ROOT}/strategies") if f.endswith(".lua"))
    print(f"1..{len(names)}")
    bad = 0
    for i, name in enumerate(names, 1):
        why = ""
        try:
            run(name)
        except (AssertionError, KeyError, subprocess.SubprocessError) as e:
            why = f": {type(e).__name__} {e}"
        bad += bool(why)
        print(f"{'not ok' if why else 'ok'} {i} - {name}{why}", flush=True)
    sys.exit(bad > 0)


main()
