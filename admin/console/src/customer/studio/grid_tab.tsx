// Comparing parameters: a run for every combination, then a table and, for two parameters, a heat map. The runs are ordinary backtests
// and stay in the list of them.
import { A } from "@solidjs/router";
import { createMemo, createSignal, onCleanup, Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { toProblem, type Problem } from "~/api/problem";
import { formatDecimal, formatMoney, formatPercent } from "~/lib/format";
import { toValues, type ParamTexts } from "~/lib/params";
import { Badge, Button, ErrorNote, LinkButton, Note, Panel, Select, Table, type Column } from "~/ui";
import { axesOf, combinations, RUNS_MAX, standsAlone, suggestValues, type Axis, type Field } from "../backtests/grid";
import { HeatTable } from "../backtests/heat";
import { FIGURES } from "../backtests/result";
import { isOpen, STATES, type BacktestRow } from "../backtests/run";
import { firstVaried, VaryPanel, type Varied } from "../backtests/vary";
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
  const cell = (r: number, c: number) => props.grid.cells[r * props.grid.axes[1]!.values.length + c];
  const write = (v: number): string => written(props.metric.kind, v);
  const field = createMemo((): Field => {
    const [down, across] = props.grid.axes as [Axis, Axis];
    return {
      down: down.name, across: across.name, rows: down.values.map(String), columns: across.values.map(String),
      cells: down.values.map((_, r) => across.values.map((_v, c) => {
        const it = cell(r, c);
        return it ? props.value(it) : null;
      })),
    };
  });
  const alone = createMemo(() => standsAlone(field().cells, props.metric.better));
  const why = (it: Cell | undefined): string => (it?.problem || it?.row?.state === "failed" ? "failed" : it?.row?.state === "cancelled" ? "–" : "…");
  return (
    <div class="stack-s">
      <HeatTable label={props.metric.label} field={field()} better={props.metric.better} write={write} cell={(r, c, text) => (
        <Show when={text !== null && cell(r, c)?.id} fallback={<span class="muted small">{why(cell(r, c))}</span>}>{(id) => <A href={`/backtests/${id()}`}>{text}</A>}</Show>
      )} />
      <Show when={alone()}>{(l) => <Note tone="warn" title="The best one stands alone">It has {write(l().top)}, its neighbours {write(l().mean)} on average. A peak among valleys is usually luck: prefer a plateau, and test it on other data.</Note>}</Show>
    </div>
  );
}

export function GridTab(props: {
  strategyId: string; version: number; header: ScriptHeader; dirty: boolean; markets: readonly Market[]; setup: Setup; onSetup: (s: Setup) => void; texts: ParamTexts; grid: Grid | null; onGrid: (g: Grid | null) => void;
}): JSX.Element {
  const [texts, setTexts] = createSignal<Varied>(firstVaried(props.header.params, suggestValues));
  const [metric, setMetric] = createSignal("return_pct");
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  const others = () => toValues(props.header.params, props.texts);
  const made = createMemo(() => axesOf(props.header.params, texts()));
  const count = () => made().count;
  const runs = createMemo(() => (count() <= RUNS_MAX ? combinations(made().axes) : []));
  const missing = (): string => {
    if (!count()) return "Choose a parameter to vary.";
    if (Object.keys(made().errors).length) return "Some values cannot be used.";
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
    const grid: Grid = { axes: made().axes, cells: runs().map((values) => ({ values, id: null, row: null, problem: null })) };
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
        <VaryPanel params={props.header.params} texts={texts()} onTexts={setTexts} axes={made()} max={AXES_MAX} suggest={suggestValues} />
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
