// Comparing parameters: a run for every combination, then a table and, for two parameters, a heat map. The runs are ordinary backtests
// and stay in the list of them.
import { A } from "@solidjs/router";
import { createMemo, createSignal, For, onCleanup, Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { toProblem, type Problem } from "~/api/problem";
import { formatDecimal, formatMoney, formatPercent } from "~/lib/format";
import { Badge, Button, Checkbox, ErrorNote, LinkButton, Note, Panel, Select, Table, TextField, type Column } from "~/ui";
import { combinations, neighbours, parseValues, RUNS_MAX, shade, suggestValues, type Axis } from "../backtests/grid";
import { FIGURES } from "../backtests/result";
import { isOpen, STATES, type BacktestRow } from "../backtests/run";
import { toValues, type ParamTexts } from "~/lib/params";
import type { ScriptHeader, Values } from "./header";
import { requestOf, SetupForm, type Market, type Setup } from "./setup";

interface Cell {
  values: Values;
  id: string | null;
  row: BacktestRow | null;
  problem: Problem | null;
}
export interface Grid {
  axes: Axis[];
  cells: Cell[];
}

// Figures that lists keep of a run (its summary).
const METRICS = FIGURES.filter((f) => ["return_pct", "sharpe", "max_drawdown_pct", "profit_factor", "win_rate_pct", "trades", "equity_final"].includes(f.key));
const ASK_MS = 700, AXES_MAX = 3;

const written = (kind: (typeof FIGURES)[number]["kind"], v: number | null): string => (v === null ? "–" : kind === "pct" ? formatPercent(v) : kind === "money" ? formatMoney(String(v)) : kind === "count" ? String(v) : formatDecimal(v.toFixed(2), { min: 2 }));

function HeatMap(props: { grid: Grid; metric: (typeof FIGURES)[number]; value: (c: Cell) => number | null }): JSX.Element {
  const across = () => props.grid.axes[1]!, down = () => props.grid.axes[0]!;
  const cell = (r: number, c: number) => props.grid.cells[r * across().values.length + c];
  const rows = createMemo(() => down().values.map((_, r) => across().values.map((_v, c) => {
    const x = cell(r, c);
    return x ? props.value(x) : null;
  })));
  const all = createMemo(() => rows().flat().filter((v): v is number => v !== null));
  const best = createMemo(() => {
    let at: [number, number] | null = null;
    rows().forEach((row, r) => row.forEach((v, c) => {
      if (v === null || !props.metric.better) return;
      const top = at ? rows()[at[0]]![at[1]]! : null;
      if (top === null || (v - top) * props.metric.better > 0) at = [r, c];
    }));
    return at as [number, number] | null;
  });
  const lonely = () => {
    const b = best();
    if (!b || all().length < 6) return null;
    const around = neighbours(rows(), b[0], b[1]), mean = around.reduce((s, v) => s + v, 0) / around.length, top = rows()[b[0]]![b[1]]!;
    const low = Math.min(...all()), high = Math.max(...all());
    return around.length >= 2 && high > low && Math.abs(top - mean) / (high - low) > 0.5 ? { top, mean } : null;
  };
  return (
    <div class="stack-s">
      <div class="table-wrap" tabindex="0" role="region" aria-label={`${props.metric.label} by ${down().name} and ${across().name}`}>
        <table class="studio-heat">
          <thead>
            <tr><th scope="col" class="small muted">{down().name} ↓ {across().name} →</th><For each={across().values}>{(v) => <th scope="col">{String(v)}</th>}</For></tr>
          </thead>
          <tbody>
            <For each={down().values}>
              {(v, r) => (
                <tr>
                  <th scope="row">{String(v)}</th>
                  <For each={across().values}>
                    {(_v, c) => {
                      const it = () => cell(r(), c());
                      const x = () => rows()[r()]![c()]!;
                      const top = () => best()?.[0] === r() && best()?.[1] === c();
                      return (
                        <td classList={{ best: top() }} style={{ "--heat": x() === null ? "0%" : `${Math.round(shade(x()!, all(), props.metric.better || 1) * 42)}%` }}>
                          <Show when={it()?.id && x() !== null} fallback={<span class="muted small">{it()?.problem || it()?.row?.state === "failed" ? "failed" : it()?.row?.state === "cancelled" ? "–" : "…"}</span>}>
                            <A href={`/backtests/${it()!.id}`}>{written(props.metric.kind, x())}<Show when={top()}><span class="sr"> (best)</span></Show></A>
                          </Show>
                        </td>
                      );
                    }}
                  </For>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </div>
      <Show when={lonely()}>{(l) => <Note tone="warn" title="The best one stands alone">It has {written(props.metric.kind, l().top)}, its neighbours {written(props.metric.kind, l().mean)} on average. A peak among valleys is usually luck: prefer a plateau, and test it on other data.</Note>}</Show>
    </div>
  );
}

export function GridTab(props: {
  strategyId: string; version: number; header: ScriptHeader; dirty: boolean; markets: readonly Market[]; setup: Setup; onSetup: (s: Setup) => void; texts: ParamTexts; grid: Grid | null; onGrid: (g: Grid | null) => void;
}): JSX.Element {
  const marked = () => props.header.params.filter((p) => p.opt);
  const [texts, setTexts] = createSignal<Record<string, string>>(Object.fromEntries((marked().length ? marked() : props.header.params).slice(0, 2).map((p) => [p.name, suggestValues(p)])));
  const [metric, setMetric] = createSignal("return_pct");
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  const others = () => toValues(props.header.params, props.texts);
  const names = () => Object.keys(texts());
  const parsed = createMemo(() => names().map((name) => ({ name, result: parseValues(texts()[name]!, props.header.params.find((p) => p.name === name)!) })));
  const axes = (): Axis[] => parsed().flatMap((p) => ("values" in p.result ? [{ name: p.name, values: p.result.values }] : []));
  const count = () => axes().reduce((n, a) => n * a.values.length, 1);
  const runs = createMemo(() => (count() <= RUNS_MAX ? combinations(axes()) : []));
  const missing = (): string => {
    if (!names().length) return "Choose a parameter to vary.";
    if (axes().length < names().length) return "Some values cannot be used.";
    if (count() > RUNS_MAX) return `That would be ${count()} runs; at most ${RUNS_MAX} at a time.`;
    const [wrong] = Object.entries(others().errors).filter(([name]) => !(name in texts()));
    const m = requestOf(props.strategyId, props.version, props.header, props.setup, others().values, props.markets);
    return wrong ? `${wrong[0]} must be ${wrong[1]} (tab Backtest).` : "missing" in m ? m.missing : "";
  };

  const cells = () => props.grid?.cells ?? [];
  const update = (id: string, part: Partial<Cell>): void => {
    if (props.grid) props.onGrid({ ...props.grid, cells: props.grid.cells.map((c) => (c.id === id ? { ...c, ...part } : c)) });
  };
  const waiting = () => cells().filter((c) => c.id && (!c.row || isOpen(c.row.state)));
  // All of one strategy come with one request, figures included.
  const ask = async (): Promise<void> => {
    if (!waiting().length || document.hidden) return;
    const page = await ok(api.GET("/api/v1/backtests", { params: { query: { strategy_id: props.strategyId, limit: 100 } } })).catch(() => null);
    const rows = new Map((page?.items ?? []).map((r) => [r.id, r]));
    if (!props.grid) return;
    props.onGrid({ ...props.grid, cells: props.grid.cells.map((c) => (c.id && rows.has(c.id) ? { ...c, row: rows.get(c.id)! } : c)) });
  };
  const timer = setInterval(() => void ask(), ASK_MS);
  onCleanup(() => clearInterval(timer));

  const start = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    const grid: Grid = { axes: axes(), cells: runs().map((values) => ({ values, id: null, row: null, problem: null })) };
    props.onGrid(grid);
    for (let i = 0; i < grid.cells.length; i++) {
      const cell = grid.cells[i]!;
      // One path each: the shape is what is looked for, and it takes a third of the time.
      const m = requestOf(props.strategyId, props.version, props.header, { ...props.setup, single: true }, { ...others().values, ...cell.values }, props.markets);
      if (!("request" in m)) break;
      try {
        const row = await ok(api.POST("/api/v1/backtests", { body: m.request }));
        const now = props.grid ?? grid;
        props.onGrid({ ...now, cells: now.cells.map((c, k) => (k === i ? { ...c, id: row.id, row } : c)) });
      } catch (e) {
        const p = toProblem(e);
        const now = props.grid ?? grid;
        props.onGrid({ ...now, cells: now.cells.map((c, k) => (k >= i && !c.id ? { ...c, problem: p } : c)) });
        setProblem(p);
        break;
      }
    }
    setBusy(false);
  };
  const cancel = async (): Promise<void> => {
    await Promise.all(waiting().map((c) => ok(api.DELETE("/api/v1/backtests/{backtest_id}", { params: { path: { backtest_id: c.id! } } })).then(() => update(c.id!, { row: c.row ? { ...c.row, state: "cancelled" } : null }), () => undefined)));
  };

  const figureOf = (c: Cell, key: string): number | null => {
    const v = c.row?.state === "done" ? c.row.summary?.[key] : null;
    const n = v === null || v === undefined ? NaN : Number(v);
    return Number.isFinite(n) ? n : null;
  };
  const shown = () => METRICS.find((m) => m.key === metric())!;
  const columns = (): Column<Cell>[] => [
    ...(props.grid?.axes ?? []).map((a, i): Column<Cell> => ({ id: `p-${a.name}`, label: a.name, value: (c) => c.values[a.name] as string | number, kind: typeof a.values[0] === "number" ? "number" : "text", lead: i === 0 })),
    { id: "state", label: "State", value: (c) => c.row?.state ?? "", cell: (c) => <Show when={c.row} fallback={<Badge tone="neutral">{c.problem ? "Refused" : "…"}</Badge>}>{(r) => <Badge tone={STATES[r().state].tone} title={r().error ?? undefined}>{r().state === "running" ? `${Math.round(r().progress * 100)} %` : STATES[r().state].label}</Badge>}</Show> },
    ...METRICS.map((m): Column<Cell> => ({ id: m.key, label: m.label, value: (c) => figureOf(c, m.key), kind: "number", cell: (c) => <>{written(m.kind, figureOf(c, m.key))}</> })),
    { id: "open", label: "", value: () => "", bare: true, cell: (c) => <Show when={c.id}><LinkButton small kind="quiet" icon="right" iconOnly href={`/backtests/${c.id}`}>Its report</LinkButton></Show> },
  ];
  const done = () => cells().filter((c) => c.row?.state === "done").length;
  const bestIds = () => [...cells()].filter((c) => figureOf(c, metric()) !== null).sort((a, b) => (figureOf(b, metric())! - figureOf(a, metric())!) * (shown().better || 1)).slice(0, 4).map((c) => c.id!);

  return (
    <div class="stack">
      <Show when={props.dirty}><Note tone="warn">What runs is version {props.version}, without what you have changed since. Save to test it.</Note></Show>
      <div class="cols-2">
        <Panel title="Parameters to vary">
          <Show when={props.header.params.length} fallback={<p class="muted">This script has no parameters.</p>}>
            <div class="stack">
              <div class="studio-picks">
                <For each={props.header.params}>
                  {(p) => (
                    <Checkbox label={<>{p.label ?? p.name} <code class="small muted">{p.name}</code></>} checked={p.name in texts()} disabled={!(p.name in texts()) && names().length >= AXES_MAX}
                      onChecked={(on) => setTexts((t) => (on ? { ...t, [p.name]: suggestValues(p) } : Object.fromEntries(Object.entries(t).filter(([k]) => k !== p.name))))} />
                  )}
                </For>
              </div>
              <For each={parsed()}>
                {(p) => <TextField label={p.name} value={texts()[p.name] ?? ""} onValue={(v) => setTexts((t) => ({ ...t, [p.name]: v }))} error={"error" in p.result ? p.result.error : undefined} hint={"values" in p.result ? `${p.result.values.length} values. Also ranges: 10..50:10` : undefined} />}
              </For>
            </div>
          </Show>
        </Panel>
        <Panel title="Conditions"><div class="stack"><SetupForm setup={props.setup} onSetup={props.onSetup} markets={props.markets} problem={problem()} header={props.header} /></div></Panel>
      </div>
      <ErrorNote problem={problem()} what="Not all of them could be run" />
      <div class="row">
        <Button kind="primary" icon="play" busy={busy()} disabled={!!missing() || waiting().length > 0} onClick={() => void start()}>Run {count() > 1 && count() <= RUNS_MAX ? `${count()} backtests` : "them"}</Button>
        <Show when={waiting().length}><Button icon="square" onClick={() => void cancel()}>Cancel the rest</Button></Show>
        <LinkButton icon="search" href={`/backtests/optimise?strategy=${props.strategyId}`}>Search more</LinkButton>
        <span class="small muted" role="status">{missing() || (cells().length ? `${done()} of ${cells().length} done` : "Each counts as one of your plan's backtests. The other parameters are those of the tab Backtest.")}</span>
      </div>
      <Show when={cells().length}>
        <Panel title="What came out" flush actions={
          <>
            <div class="bt-filter"><Select label="Figure" hideLabel value={metric()} onValue={setMetric} options={METRICS.map((m) => ({ value: m.key, label: m.label }))} /></div>
            <Show when={bestIds().length > 1}><LinkButton small icon="swap" href={`/backtests/compare?ids=${bestIds().join(",")}`}>Best {bestIds().length} beside each other</LinkButton></Show>
          </>
        }>
          <Show when={props.grid!.axes.length === 2}><div class="bt-pad"><HeatMap grid={props.grid!} metric={shown()} value={(c) => figureOf(c, metric())} /></div></Show>
          <Table rows={cells()} columns={columns()} key={(c) => JSON.stringify(c.values)} label="Runs" pageSize={12} csvName="parameters" sort={{ id: metric(), desc: shown().better >= 0 }} />
        </Panel>
        <p class="small muted">Whatever is best of many is better than it will be: some of it is luck. Keep data aside that none of these runs has seen.</p>
      </Show>
    </div>
  );
}
