// A backtest's result (`perigee backtest --json`, GET /backtests/{id}), as pages draw and compare it. Money stays text; numbers are for
// pixels only.
import type { Marker } from "~/ui/chart";

export type Point = [timeMs: number, value: string];
export interface Stats {
  [key: string]: number | string | null;
}
export interface Fill {
  time: number;
  order: string;
  symbol: string;
  side: "buy" | "sell";
  qty: string;
  price: string;
  fee: string;
  maker: boolean;
  tag: string;
  ambiguous?: boolean;
  cut?: boolean;
}
export interface Trade {
  symbol: string;
  side: "long" | "short";
  qty: string;
  entry_time: number;
  entry_price: string;
  exit_time: number;
  exit_price: string;
  pnl: string;
  fees: string;
  tag: string;
  exit_tag: string;
  bars: number;
  mae: string;
  mfe: string;
  ambiguous: boolean;
  position_id: number;
  liquidated?: boolean;
}
export interface Note {
  time: number;
  level?: string;
  text: string;
}
export interface Result {
  engine: { version: string };
  script: { name: string; sha256: string };
  params: Record<string, number | string | boolean>;
  config: Record<string, number | string | boolean>;
  data: { stream: string; symbol: string; timeframe: string; bars: number; from: number; to: number; gaps: number }[];
  stats: Stats;
  paths: Record<"nearer" | "adverse" | "favourable", Stats>;
  fills: Fill[];
  trades: Trade[];
  open: { symbol: string; side: string; qty: string; avg_price: string | null; mark_price: string | null; pnl: string; entry_time: number }[];
  denied: { time: number; code: string; count: number }[];
  logs: Note[];
  marks: Note[];
  plots: Record<string, [number, number][]>;
  equity_daily: Point[];
  equity?: Point[];
  warnings: string[];
  dropped: Record<string, number>;
  interrupted: boolean;
  hash: string;
  timing: { seconds: number; bars_per_second: number; script_seconds: number };
}

/** The market that a backtest or a search was asked for: that of its main bars. */
export function marketOf(row: { request?: unknown }): { symbol: string; timeframe: string; venue: string } {
  const data = (row.request as { data?: { symbol?: string; timeframe?: string; venue?: string; role?: string; stream?: string }[] } | undefined)?.data ?? [];
  const main = data.find((d) => (d.role ?? "bars") === "bars" && (!d.stream || d.stream === "main")) ?? data[0];
  return { symbol: main?.symbol ?? "", timeframe: main?.timeframe ?? "", venue: main?.venue ?? "" };
}

/** For drawing: times rise; of several at one time the last stays. */
export interface DrawnPoint {
  time: number; // Unix ms
  value: number;
}

export function drawn(points: readonly (readonly [number, string | number])[]): DrawnPoint[] {
  const out: DrawnPoint[] = [];
  for (const [time, v] of points) {
    const value = Number(v), last = out[out.length - 1];
    if (!Number.isFinite(value)) continue;
    if (last && last.time >= time) last.value = value;
    else out.push({ time, value });
  }
  return out;
}

export const equityOf = (r: Result): DrawnPoint[] => drawn(r.equity?.length ? r.equity : r.equity_daily);

/** How far below its highest so far, in percent: 0 or negative. */
export function drawdown(equity: readonly DrawnPoint[]): DrawnPoint[] {
  let peak = -Infinity;
  return equity.map(({ time, value }) => {
    peak = Math.max(peak, value);
    return { time, value: peak > 0 ? (value / peak - 1) * 100 : 0 };
  });
}

/** Percent of its first point, so that runs with other cash can be laid over each other. */
export function rebased(equity: readonly DrawnPoint[]): DrawnPoint[] {
  const first = equity[0]?.value;
  return first ? equity.map(({ time, value }) => ({ time, value: (value / first - 1) * 100 })) : [];
}

/** Percent gained in each calendar month (UTC), oldest first. */
export function monthly(equity: readonly DrawnPoint[]): { month: string; pct: number }[] {
  const out: { month: string; pct: number }[] = [];
  let base = equity[0]?.value ?? 0, last = base, month = "";
  const end = (): void => {
    if (month && base > 0) out.push({ month, pct: (last / base - 1) * 100 });
  };
  for (const p of equity) {
    const m = new Date(p.time).toISOString().slice(0, 7);
    if (m !== month) {
      end();
      if (month) base = last;
      month = m;
    }
    last = p.value;
  }
  end();
  return out;
}

export type PathName = "nearer" | "adverse" | "favourable";
export const PATHS: { name: PathName; label: string; about: string }[] = [
  { name: "nearer", label: "Nearer", about: "Inside a bar the price goes to the extreme that is nearer to the open first. The run itself." },
  { name: "adverse", label: "Against you", about: "Inside each bar the price takes the way that hurts open positions first." },
  { name: "favourable", label: "For you", about: "Inside each bar the price takes the way that helps first. Do not believe it alone." },
];

/** What the three guesses say together, in a quant's words. */
export function pathWords(r: Result): { level: "ok" | "warn" | "bad"; text: string } | null {
  const of = (p: PathName) => r.paths?.[p]?.return_pct;
  const near = of("nearer"), worst = of("adverse"), best = of("favourable");
  if (typeof near !== "number" || typeof worst !== "number" || typeof best !== "number") return null;
  if (near === worst && near === best) return { level: "ok", text: "Four prices a bar decide everything here: the result is the same whichever way the price went inside its bars." };
  const low = Math.min(near, worst, best), high = Math.max(near, worst, best);
  const range = `between ${low.toFixed(2)} % and ${high.toFixed(2)} %`;
  if (low < 0 && high > 0) return { level: "bad", text: `Profit or loss depends on a guess: ${range}, by the way the price took inside its bars. Test with finer data (role “detail”) before you believe it.` };
  return { level: high - low > Math.max(1, Math.abs(near) * 0.2) ? "warn" : "ok", text: `The way inside bars matters: ${range}. The result is not known better than that.` };
}

/** What was bought and sold as marks on a price chart: the newest of them. */
export function markers(fills: readonly Fill[], symbol: string, until: number, max = 2000): Marker[] {
  return fills
    .filter((f) => f.symbol === symbol && f.time <= until)
    .slice(-max)
    .map((f, i) => (f.side === "buy" ? { id: `${f.order}-${i}`, time: f.time, side: "below", shape: "arrowUp", color: "--up", text: f.tag } : { id: `${f.order}-${i}`, time: f.time, side: "above", shape: "arrowDown", color: "--down", text: f.tag }));
}

/** What differs between runs: names with their values, one per run; equal ones are left out. */
export function differences(runs: readonly Record<string, unknown>[]): { name: string; values: (string | null)[] }[] {
  const names = [...new Set(runs.flatMap((r) => Object.keys(r)))];
  return names
    .map((name) => ({ name, values: runs.map((r) => (r[name] === undefined ? null : String(r[name]))) }))
    .filter(({ values }) => new Set(values).size > 1);
}

/** Figures in the order in which they are read; `better`: which direction is good (0: neither). */
export const FIGURES: { key: string; label: string; kind: "pct" | "money" | "ratio" | "count" | "duration"; better: -1 | 0 | 1 }[] = [
  { key: "return_pct", label: "Return", kind: "pct", better: 1 },
  { key: "buy_hold_return_pct", label: "Buy and hold", kind: "pct", better: 0 },
  { key: "cagr_pct", label: "Per year", kind: "pct", better: 1 },
  { key: "max_drawdown_pct", label: "Max drawdown", kind: "pct", better: -1 },
  { key: "sharpe", label: "Sharpe", kind: "ratio", better: 1 },
  { key: "sortino", label: "Sortino", kind: "ratio", better: 1 },
  { key: "calmar", label: "Calmar", kind: "ratio", better: 1 },
  { key: "volatility_pct", label: "Volatility", kind: "pct", better: -1 },
  { key: "trades", label: "Trades", kind: "count", better: 0 },
  { key: "win_rate_pct", label: "Won", kind: "pct", better: 1 },
  { key: "profit_factor", label: "Profit factor", kind: "ratio", better: 1 },
  { key: "expectancy", label: "Per trade", kind: "money", better: 1 },
  { key: "sqn", label: "SQN", kind: "ratio", better: 1 },
  { key: "exposure_pct", label: "Time in market", kind: "pct", better: 0 },
  { key: "fees", label: "Fees", kind: "money", better: -1 },
  { key: "equity_final", label: "Final equity", kind: "money", better: 1 },
  { key: "max_drawdown_ms", label: "Longest drawdown", kind: "duration", better: -1 },
  { key: "ambiguous_pct", label: "Decided by a guess", kind: "pct", better: -1 },
];
