// How the bot would have done: a backtest over the market's newest history, run as soon as the last step is seen, and again when asked.
import { A } from "@solidjs/router";
import { createEffect, createSignal, For, on, onCleanup, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { toProblem, type Problem } from "~/api/problem";
import { formatCount, formatDate, formatNumber } from "~/lib/format";
import { Button, ErrorNote, Money, Note, Panel, Percent, Skeleton, Stat } from "~/ui";
import { Curve } from "../analytics/curve";

export interface BacktestWish {
  strategy_id: string;
  venue: string;
  symbol: string;
  timeframe: string;
  params: Record<string, number | string | boolean>;
  cash: string;
  fee?: string;
  currency: string;
}

type Run = Schemas["Backtest"];
interface Result {
  script?: { max_notional?: number };
  data: { bars: number; from: number; to: number }[];
  equity: [number, string][];
  stats: Record<string, number | string | null>;
  paths: Record<string, { equity_final?: string; return_pct?: number }>;
  denied: { code: string; count: number }[];
}

const thin = (points: [number, string][]): [number, string][] => {
  const step = Math.max(1, Math.ceil(points.length / 400));
  return points.filter((_, i) => i % step === 0 || i === points.length - 1);
};

export function InstantBacktest(props: { wish: BacktestWish; auto: boolean; onWorst?: (most: string | null) => void }): JSX.Element {
  const [run, setRun] = createSignal<Run | null>(null);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  let turn = 0;
  onCleanup(() => turn++);

  const start = async (): Promise<void> => {
    const mine = ++turn, w = props.wish;
    setBusy(true);
    setProblem(null);
    try {
      const config = { cash: w.cash, ...(w.fee ? { fee: w.fee } : {}) };
      const made = await ok(api.POST("/api/v1/backtests", { body: { strategy_id: w.strategy_id, data: [{ venue: w.venue || undefined, symbol: w.symbol, timeframe: w.timeframe }], params: w.params, config } }));
      // Most are done in a fraction of a second: asked more and more seldom.
      for (let wait = 120; mine === turn; wait = Math.min(wait * 1.5, 2000)) {
        await new Promise((go) => setTimeout(go, wait));
        const now = await ok(api.GET("/api/v1/backtests/{backtest_id}", { params: { path: { backtest_id: made.id } } }));
        if (mine !== turn) return;
        setRun(now);
        if (now.state === "done") props.onWorst?.((now.result as unknown as Result | null)?.script?.max_notional?.toFixed(2) ?? null);
        if (now.state !== "queued" && now.state !== "running") break;
      }
    } catch (e) {
      if (mine === turn) setProblem(toProblem(e));
    } finally {
      if (mine === turn) setBusy(false);
    }
  };
  createEffect(on(() => props.auto, (auto) => auto && !run() && !busy() && void start()));

  const result = (): Result | null => (run()?.state === "done" ? (run()!.result as unknown as Result | null) : null);
  const stat = (name: string): number | null => { const v = result()?.stats[name]; return typeof v === "number" ? v : v == null ? null : Number(v); };
  const spread = (): [number, number] | null => {
    const all = Object.values(result()?.paths ?? {}).map((p) => p.return_pct).filter((v): v is number => typeof v === "number");
    return all.length > 1 ? [Math.min(...all), Math.max(...all)] : null;
  };
  return (
    <Panel title="How it would have done" actions={<Button small icon="reload" busy={busy()} onClick={() => void start()}>{run() ? "Run again" : "Run a backtest"}</Button>}>
      <div class="stack" aria-live="polite">
        <ErrorNote problem={problem()} what="The backtest could not begin" />
        <Show when={run()?.state === "failed"}><Note tone="bad" title="The backtest failed"><p class="small break">{run()?.error}</p></Note></Show>
        <Show when={busy() && !result()}><Skeleton lines={5} /></Show>
        <Show when={result()}>
          {(r) => (
            <>
              <p class="small muted">{formatCount(r().data[0]?.bars)} bars of {props.wish.symbol} {props.wish.timeframe}, {formatDate(r().data[0]?.from)} to {formatDate(r().data[0]?.to)}, fees included. What was is no promise of what will be.</p>
              <div class="tiles">
                <Stat name="Return" note={<>Buying and holding: <Percent value={stat("buy_hold_return_pct")} signed /></>}><Percent value={stat("return_pct")} signed /></Stat>
                <Stat name="Largest fall"><Percent value={stat("max_drawdown_pct")} /></Stat>
                <Stat name="Trades" note={stat("win_rate_pct") === null ? "" : <>Won <Percent value={stat("win_rate_pct")} places={1} /></>}>{formatCount(stat("trades"))}</Stat>
                <Stat name="Profit factor">{formatNumber(stat("profit_factor"))}</Stat>
                <Stat name="Fees"><Money value={String(r().stats.fees ?? "0")} /></Stat>
              </div>
              <Show when={r().equity.length > 1}><Curve label="Equity in the backtest" currency={props.wish.currency} height={180} points={thin(r().equity).map(([time, value]) => ({ time, value }))} /></Show>
              <Show when={spread() && spread()![1] - spread()![0] > 0.005}><Note tone="info"><p class="small">Inside a bar nobody knows which price came first. By the worst and the best order of prices the return would be <Percent value={spread()![0]} signed /> to <Percent value={spread()![1]} signed />.</p></Note></Show>
              <Show when={r().denied.length}>
                <Note tone="warn" title="Some of its orders were refused"><ul class="small"><For each={r().denied.slice(0, 5)}>{(d) => <li><code>{d.code}</code> × {formatCount(d.count)}</li>}</For></ul></Note>
              </Show>
              <Show when={stat("trades") === 0}><Note tone="warn"><p class="small">It never traded here. Other parameters, another timeframe or a market that moves more may suit it.</p></Note></Show>
              <p class="small"><A href={`/backtests/${run()!.id}`}>The whole report</A></p>
            </>
          )}
        </Show>
      </div>
    </Panel>
  );
}
