#!/usr/bin/env python3
"""Runs tests/reference/*.lua with the perigee binary and compares with results that independent engines computed.

An independent client: it drives the command line and reads its JSON and CSV. Compared trade by trade (fill by fill for
backtrader): bars, sizes, prices to 1e-9, money to 1e-8 relative; and the equity curve. Prints TAP. The results lie in
$PERIGEE_SHARED or SHARED. Usage: run.py PERIGEE SHARED [case…]
"""
import csv, gzip, json, os, subprocess, sys, tempfile

PRICE, MONEY = 1e-9, 1e-8
GOOG = ["GOOG_1d_2004_2013.csv"]
EURUSD = ["EURUSD_1h_2017_2018.csv"]
BTC5 = ["BTCUSDT_5m_2020-12_2021-07.csv.gz"]
COMPAT_BT = ["--fill-model", "compat-backtesting"]
COMPAT_BTR = ["--fill-model", "compat-backtrader"]
FEE = ["--fee", "0.002"]
FIN = ["--finalize"]
FX = ["--leverage", "50", "--lot", "1"]


def p(**kw):
    return [x for k, v in kw.items() for x in ("--param", f"{k}={v}")]


# case: script, data files, flags
CASES = {
    "bt00_goog_smacross_readme_number": ("bt00", GOOG, COMPAT_BT + ["--spread-pct", "0.2"]),
    "bt01_goog_smacross_readme": ("bt01", GOOG, COMPAT_BT + FEE),
    "bt02_goog_smacross_finalized": ("bt02", GOOG, COMPAT_BT + FEE + FIN),
    "bt03_goog_long_fixed10": ("bt03", GOOG, COMPAT_BT + FEE + FIN),
    "bt04_goog_sltp": ("bt04", GOOG, COMPAT_BT + FEE + FIN),
    "bt05_goog_both_sltp": ("bt05", GOOG, COMPAT_BT + FEE + FIN),
    "bt06_goog_limit": ("bt06", GOOG, COMPAT_BT + FEE + FIN),
    "bt07_goog_stop_channel": ("bt07", GOOG, COMPAT_BT + FEE + FIN),
    "bt08_goog_trailing": ("bt08", GOOG, COMPAT_BT + FEE + FIN),
    "bt09_goog_pyramid": ("bt09", GOOG, COMPAT_BT + FEE + FIN),
    "bt10_goog_tradeonclose": ("bt10", GOOG, COMPAT_BT + FEE + FIN + ["--trade-on-close"]),
    "bt11_goog_fixedfee": ("bt11", GOOG, COMPAT_BT + ["--fee", "0.001", "--fee-fixed", "5", "--spread-pct", "0.1"] + FIN),
    "bt12_eurusd_smacross": ("bt12", EURUSD, COMPAT_BT + FX + ["--spread-pct", "0.005"] + FIN + p(size=100000)),
    "bt13_eurusd_both_sltp": ("bt13", EURUSD, COMPAT_BT + FX + ["--spread-pct", "0.005"] + FIN + p(size=100000, sl=0.003, tp=0.006)),
    "bt14_eurusd_margin_out": ("bt14", EURUSD, COMPAT_BT + FX + ["--spread-pct", "0.02"] + FIN),
    "bt15_btc5m_fixed": ("bt15", BTC5, COMPAT_BT + ["--fee", "0.001", "--cash", "1000000", "--lot", "1"] + FIN + p(size=1, n1=50, n2=200)),
    "bt16_goog_tight": ("bt16", GOOG, COMPAT_BT + FEE + FIN + p(n1=3, n2=8, sl=0.01, tp=0.01)),
    "btr01_goog_long": ("btr01", GOOG, COMPAT_BTR + FEE),
    "btr02_goog_reverse": ("btr02", GOOG, COMPAT_BTR + FEE),
    "btr03_goog_stop": ("btr03", GOOG, COMPAT_BTR + FEE),
    "btr04_goog_bracket_market": ("btr04", GOOG, COMPAT_BTR + FEE),
    "btr05_goog_bracket_limit": ("btr05", GOOG, COMPAT_BTR + FEE),
    "btr06_goog_trail": ("btr06", GOOG, COMPAT_BTR + FEE),
    "btr07_goog_stoplimit": ("btr07", GOOG, COMPAT_BTR + FEE),
    "btr08_goog_slippage": ("btr08", GOOG, COMPAT_BTR + FEE + ["--slippage-pct", "0.1"]),
    "btr09_goog_pershare_fee": ("btr09", GOOG, COMPAT_BTR + ["--fee-per-unit", "0.05"]),
    "btr10_fesx_futures": ("btr10", ["FESX_1m_2006.csv.gz"], COMPAT_BTR + ["--multiplier", "10", "--margin-per-unit", "2000", "--fee-per-unit", "2", "--lot", "1"] + p(n1=20, n2=60, size=1)),
    "btr11_goog_margin_reject": ("btr11", GOOG, COMPAT_BTR + FEE + p(size=40)),
    "btr12_portfolio_5m": ("btr12", BTC5 + [f"{s}USDT_5m_2020-12_2021-07.csv.gz" for s in ("ETH", "ADA", "XRP", "AVAX")], COMPAT_BTR + ["--fee", "0.001", "--cash", "1000000", "--lot", "1", "--to", "2021-07-17T21:05:00Z"]),
    "btr13_goog_bracket_tight": ("btr13", GOOG, COMPAT_BTR + FEE + p(n1=3, n2=8, sl=0.01, tp=0.01)),
}


def close(a, b, rel, floor=1e-7):
    return abs(float(a) - float(b)) <= max(rel * max(abs(float(a)), abs(float(b))), floor)


def times_of(path):
    f = gzip.open(path, "rt") if path.endswith(".gz") else open(path)
    with f:
        return [int(r["time"]) for r in csv.DictReader(f)]


def signed(side, qty):
    return float(qty) * (1 if side in ("buy", "long") else -1)


def merge(rows, key):
    """Sums the sizes of rows that differ in size only: an engine may report one execution in parts."""
    out = {}
    for r in rows:
        out[key(r)] = out.get(key(r), 0) + r["size"]
    return out


def compare_trades(ref, got, bar):
    want = [(t["entry_bar"], t["exit_bar"], t["size"], t["entry_price"], t["exit_price"], t["pnl"]) for t in ref["trades"]]
    have = [(bar[t["entry_time"]], bar[t["exit_time"]], signed(t["side"], t["qty"]), float(t["entry_price"]), float(t["exit_price"]), float(t["pnl"])) for t in got["trades"]]
    order = lambda t: (t[1], t[0], t[2], t[3])
    want.sort(key=order), have.sort(key=order)
    for i, (w, h) in enumerate(zip(want, have)):
        if w[:2] != h[:2] or not close(w[2], h[2], PRICE) or not close(w[3], h[3], PRICE, 0) or not close(w[4], h[4], PRICE, 0) or not close(w[5], h[5], MONEY, 1e-6):
            return f"trade {i}: want {w}, have {h}"
    if len(want) != len(have):
        return f"{len(want)} trades wanted, {len(have)} made"


def compare_fills(ref, got, bar):
    names = {"BTC5M": "BTCUSDT", "ETH5M": "ETHUSDT", "ADA5M": "ADAUSDT", "XRP5M": "XRPUSDT", "AVAX5M": "AVAXUSDT"}
    want = [(f["time"], names.get(f["symbol"], f["symbol"]), f["size"], f["price"], f["commission"]) for f in ref["fills"]]
    have = [(f["time"], f["symbol"], signed(f["side"], f["qty"]), float(f["price"]), float(f["fee"])) for f in got["fills"]]
    if len({w[1] for w in want}) > 1:
        want.sort(key=lambda f: f[:2]), have.sort(key=lambda f: f[:2])
    for i, (w, h) in enumerate(zip(want, have)):
        if w[:2] != h[:2] or not close(w[2], h[2], PRICE) or not close(w[3], h[3], PRICE, 0) or not close(w[4], h[4], MONEY, 1e-6):
            return f"fill {i}: want {w}, have {h}"
    if len(want) != len(have):
        return f"{len(want)} fills wanted, {len(have)} made"
    refused = sum(d["count"] for d in got["denied"] if d["code"] == "MARGIN")
    if refused != ref["rejected"]["count"]:
        return f"{ref['rejected']['count']} margin refusals wanted, {refused} made"


def compare_equity(ref, equity, bar):
    for k, want in enumerate(ref["equity"]):
        i = k * ref["equity_every"]
        if i >= len(equity):
            if ref["id"] != "btr12_portfolio_5m":
                return f"equity has {len(equity)} bars, wanted bar {i}"
            break
        if not close(want, equity[i], MONEY, 1e-5):
            return f"equity at bar {i}: want {want}, have {equity[i]}"


def run(perigee, shared, name):
    script, files, flags = CASES[name]
    ref = json.load(open(f"{shared}/reference/backtests/{name}.json"))
    here = os.path.dirname(os.path.abspath(__file__))
    paths = [f"{shared}/data/ohlcv/{f}" for f in files]
    with tempfile.TemporaryDirectory() as tmp:
        cmd = [perigee, "backtest", f"{here}/{script}.lua"] + [x for f in paths for x in ("--data", f)] + flags
        cmd += ["--json", f"{tmp}/r.json", "--equity", f"{tmp}/e.csv", "--quiet"]
        done = subprocess.run(cmd, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            return f"exit {done.returncode}: {done.stderr.strip()}"
        got = json.load(open(f"{tmp}/r.json"))
        equity = [float(r["equity"]) for r in csv.DictReader(open(f"{tmp}/e.csv"))]
    bar = {t: i for i, t in enumerate(times_of(paths[0]))}
    why = compare_trades(ref, got, bar) if "trades" in ref else compare_fills(ref, got, bar)
    final = ref["stats"].get("Equity Final [$]", ref["stats"].get("final_value"))
    if not why:
        why = compare_equity(ref, equity, bar)
    if not why and not close(final, got["stats"]["equity_final"], MONEY, 1e-5):
        why = f"final equity: want {final}, have {got['stats']['equity_final']}"
    return why


def main():
    perigee, shared = sys.argv[1], os.environ.get("PERIGEE_SHARED", sys.argv[2])
    names = sys.argv[3:] or list(CASES)
    if not os.path.isdir(f"{shared}/reference/backtests"):
        print("1..0 # SKIP ../shared/reference is not on this machine")
        return
    print(f"1..{len(names)}")
    bad = 0
    for i, name in enumerate(names, 1):
        why = run(perigee, shared, name)
        bad += bool(why)
        print(f"{'not ok' if why else 'ok'} {i} - {name}{': ' + why if why else ''}", flush=True)
    sys.exit(1 if bad else 0)


main()
