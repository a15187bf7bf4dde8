#!/usr/bin/env python3
"""What happens between bars: clock_live.py PERIGEE. Timers of bots whose own bars are an hour or a day long, signals, closing at once,
funding; the service is killed in between, and a replay makes the same of it. Prints TAP."""
import signal
import sys
import time

from live import Trader, metric, replay, replays_as_live
from service import Service, run_cases

MINUTE_MS = 60000
# Trades by the clock alone.
TICKING = """strategy{ name="ticking", api=1 }
function on_init(ctx)
  ctx:timer{every="5m", name="beat"}
end
function on_timer(ctx, name)
  ctx.state.n = (ctx.state.n or 0) + 1
  ctx:log("info", name, ctx.state.n, "at", ctx.now)
  if ctx.state.n % 2 == 1 then ctx:buy{qty=0.01, tag="in"} else ctx:close{tag="out"} end
end
"""


HOLDER = """strategy{ name="holder", api=1 }
function on_bar(ctx, bar)
  if not ctx.state.done then
    ctx.state.done = true
    ctx:buy{qty=0.02, tag="in"}
    ctx:buy{qty=0.01, type="limit", price=bar.close*0.5, tag="low"}
  end
end
"""


def beats(trader, bot):
    """(count, time) of each time the timer fired, oldest first."""
    words = [line["text"].split() for line in reversed(trader.all(bot, "logs")) if line["text"].startswith("beat")]
    return [(int(w[1]), int(float(w[3]))) for w in words]


def killed_and_back(service, trader):
    service.process.send_signal(signal.SIGKILL)
    service.process.wait()
    service.log.close()
    service.start()
    trader.client = service.login("ada@example.org")


def paused(trader, bot):
    trader.act(bot, "pause")
    trader.wait(bot, lambda b: b["state"] == "paused")


def timers(binary):
    s = Service(binary, args=["--feed", "sim=sim:speed=1200,seed=3"]).start()
    try:
        t = Trader(s, "ada@example.org")
        bot = t.bot("ticking", TICKING, timeframe="1d")
        t.wait(bot, lambda b: len(beats(t, bot)) >= 8)
        seen = beats(t, bot)
        assert [n for n, _ in seen] == list(range(1, len(seen) + 1)), seen
        late = [at % (5 * MINUTE_MS) for _, at in seen]
        assert sum(x == 0 for x in late) >= len(late) - 2, late  # at their time, while the market runs at 1200 times the clock's speed
        gaps = [b[1] - a[1] for a, b in zip(seen, seen[1:])]
        assert max(gaps) <= 10 * MINUTE_MS, gaps
        for _ in range(2):
            killed_and_back(s, t)
            was = len(beats(t, bot))
            t.wait(bot, lambda b: len(beats(t, bot)) > was + 2)
        seen = beats(t, bot)
        assert [n for n, _ in seen] == list(range(1, len(seen) + 1)), seen  # none twice, none of the script's state lost
        paused(t, bot)
        told = replays_as_live(s, t, bot)
        assert told["compared"] >= 8 and told["resumes"] == 2, told
        assert metric(s, "bot_divergences_total") == 0
    except BaseException:
        print("\n".join(l for l in s.log_text().splitlines() if "request" not in l)[-6000:])
        raise
    finally:
        if s.process.poll() is None:
            s.stop()


def stops_at_once(binary):
    s = Service(binary, args=["--feed", "sim=sim:speed=1200,seed=3"]).start()
    try:
        t = Trader(s, "ada@example.org")
        bot = t.bot("holder", HOLDER, timeframe="30m")
        t.wait(bot, lambda b: b["live"] and b["live"]["positions"])  # filled at the open of a bar of its own
        begun = time.monotonic()
        before = t.get(bot)["live"]
        t.act(bot, "stop", {"close": True})
        row = t.wait(bot, lambda b: b["state"] == "stopped" and b["live"] is None)
        took = time.monotonic() - begun
        last = t.all(bot, "fills")[0]
        assert last["side"] == "sell" and last["qty"] == before["positions"][0]["qty"], last
        assert took < 1.2, took  # half an hour is 1.5 s here
        kinds = [c["kind"] for d in t.all(bot, "decisions") if d["kind"] == "imposed" for c in d["commands"]]
        assert "execute" in kinds, kinds
        assert s.stop() == 0
        told = replay(s, bot, "--verify")
        assert told["same"], told
        return row
    except BaseException:
        print("\n".join(l for l in s.log_text().splitlines() if "request" not in l)[-6000:])
        raise
    finally:
        if s.process.poll() is None:
            s.stop()


def main():
    binary = sys.argv[1]
    return run_cases([
        ("timers fire between the bars of a daily bot, over crashes, and a replay agrees", lambda: timers(binary)),
        ("a stop with close acts at once, at the last price, and not with the bot's next bar", lambda: stops_at_once(binary)),
    ])


if __name__ == "__main__":
    sys.exit(main())
