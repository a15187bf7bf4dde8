// A search for parameters (`perigee optimize --json`, GET /optimizations/{id}), as pages draw it, and what goes into one.
import type { Schemas } from "~/api/client";
import { formatDecimal } from "~/lib/format";
import type { ParamSpec } from "~/lib/params";
import { isNumeric } from "~/lib/params";
import { suggestValues, type Field } from "./grid";
import { marketOf, type Stats } from "./result";

export type SearchRow = Schemas["Optimization"];
export type SearchRequest = Schemas["OptimizationRequest"];

export interface Span {
  from: number;
  to: number;
  bars: number;
}
export interface Trial {
  rank: number;
  params: Record<string, string>;
  accepted: boolean;
  objective: number | null;
  stats?: Stats;
  error?: string;
  out_of_sample: { objective: number | null; stats?: Stats } | null;
  neighbours: { count: number; mean: number; worst: number } | null;
}
export interface Fold {
  train: Span;
  test: Span;
  params: Record<string, string> | null;
  objective: number | null;
  test_objective: number | null;
  stats: Stats | null;
}
export interface Found {
  method: string;
  trials: number;
  objective: { key: string; direction: "max" | "min" };
  require: string[];
  space: { name: string; values: string[] }[];
  combinations: number;
  spans: { all: Span; search: Span; out_of_sample: Span | null };
  runs: number;
  accepted: number;
  failed: number;
  refused: number;
  stopped: "time" | "cancelled" | null;
  first_failure: string | null;
  results: Trial[];
  unseen: { count: number; profitable: number; mean_in: number; mean_out: number } | null;
  luck_sharpe: number | null;
  walk_forward: { folds: Fold[]; return_pct: number | null; efficiency: number | null; profitable: number } | null;
}
export const foundOf = (row: { result?: unknown } | null | undefined): Found | null => (row?.result as Found | null | undefined) ?? null;

/** Between the header's limits in about ten steps; without limits some values around the default. */
export function suggestRange(p: ParamSpec): string {
  if (!isNumeric(p) || p.min === undefined || p.max === undefined || p.max <= p.min) return suggestValues(p).replace(/\s/g, "");
  const unit = p.step ?? (p.kind === "int" ? 1 : (p.max - p.min) / 100);
  const step = Number((Math.max(1, Math.ceil((p.max - p.min) / unit / 10)) * unit).toPrecision(6));
  return `${p.min}..${p.max}:${step}`;
}

/** A field of two parameters: the mean of the objective over all that share both values; null where nothing was tried. */
export function heat(f: Found, down: string, across: string): Field {
  const rows = f.space.find((a) => a.name === down)?.values ?? [], columns = f.space.find((a) => a.name === across)?.values ?? [];
  const sums = rows.map(() => columns.map(() => ({ sum: 0, n: 0 })));
  const row = new Map(rows.map((v, i) => [v, i])), column = new Map(columns.map((v, i) => [v, i]));
  for (const t of f.results) {
    const at = sums[row.get(t.params[down] ?? "") ?? -1]?.[column.get(t.params[across] ?? "") ?? -1];
    if (!at || t.objective === null) continue;
    at.sum += t.objective;
    at.n++;
  }
  return { down, across, rows, columns, cells: sums.map((r) => r.map((c) => (c.n ? c.sum / c.n : null))) };
}

/** A figure of a run, where it has one. */
export const figureOf = (t: { stats?: Stats | null }, key: string): number | null => (typeof t.stats?.[key] === "number" ? (t.stats[key] as number) : null);

/** What the best is worth, in a quant's words; the worst first. */
export function worthOf(f: Found): { tone: "ok" | "warn" | "bad"; text: string }[] {
  const out: { tone: "ok" | "warn" | "bad"; text: string }[] = [];
  const best = f.results[0], u = f.unseen, w = f.walk_forward, two = (v: number): string => formatDecimal(v.toFixed(2), { min: 2 });
  if (!best?.accepted) return [{ tone: "bad", text: "No run kept the conditions." }];
  const made = figureOf(best, "return_pct"), lost = made !== null && made <= 0;
  if (lost) out.push({ tone: "bad", text: `Even the best earned nothing where it was chosen: ${two(made)} %. There is nothing here to make better.` });
  if (u) {
    const share = u.profitable / u.count;
    // Who lost where they were chosen and gained afterwards were carried by the market.
    const luck = lost && share >= 0.5 ? " As they did not earn where they were chosen, that is the market's doing." : "";
    out.push({ tone: share < 0.5 ? "bad" : share < 0.8 || lost ? "warn" : "ok", text: `Of the best ${u.count}, ${u.profitable} gained on the history that the search did not see: ${two(u.mean_out)} there on average, ${two(u.mean_in)} where they were chosen.${luck}` });
  }
  const n = best.neighbours, top = best.objective;
  if (n && top !== null && f.objective.direction === "max" && top > 0) {
    const kept = n.mean / top;
    out.push({ tone: kept < 0.5 ? "bad" : kept < 0.8 ? "warn" : "ok", text: kept < 0.8 ? `The best stands alone: it has ${two(top)}, its neighbours ${two(n.mean)}. A peak among valleys is usually luck.` : `The best lies on a plateau: it has ${two(top)}, its neighbours ${two(n.mean)}.` });
  }
  if (f.objective.key === "sharpe" && f.luck_sharpe !== null && top !== null)
    out.push({ tone: top < f.luck_sharpe ? "bad" : top < f.luck_sharpe * 1.3 ? "warn" : "ok", text: `Without any skill the best of so many would show a Sharpe ratio of about ${two(f.luck_sharpe)}; this one has ${two(top)}.` });
  if (w) out.push({ tone: (w.return_pct ?? -1) < 0 ? "bad" : w.profitable * 2 <= w.folds.length ? "warn" : "ok", text: `Walk-forward: choosing again and again on what was past made ${two(w.return_pct ?? 0)} %, ${w.profitable} of ${w.folds.length} steps gained.` });
  return out.sort((a, b) => "bad warn ok".indexOf(a.tone) - "bad warn ok".indexOf(b.tone));
}

/** One run of it as a backtest's request: the same conditions, its parameters, all of the history. */
export function backtestOf(row: SearchRow, params: Record<string, string>): Schemas["BacktestRequest"] {
  const r = row.request as unknown as SearchRequest;
  const { ranges: _ranges, method: _method, trials: _trials, seed: _seed, objective: _objective, require: _require, out_of_sample_pct: _unseen, walk_forward: _walk, anchored: _anchored, ...same } = r;
  return { ...same, strategy_id: row.strategy_id, version: row.version, params: { ...r.params, ...params } };
}

/** Where a bot with these parameters is set up, for the market that they were found on. */
export function botLink(row: SearchRow, params: Record<string, string>): string {
  const { symbol, timeframe, venue } = marketOf(row);
  return `/bots/new?${new URLSearchParams({ strategy: row.strategy_id, params: JSON.stringify({ ...(row.request as unknown as SearchRequest).params, ...params }), symbol, timeframe, venue }).toString()}`;
}
