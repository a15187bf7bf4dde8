// What a search found: is the best worth anything, all runs as a table, two parameters as a map, walk-forward step by step.
import { useNavigate, useParams } from "@solidjs/router";
import { createMemo, createSignal, For, Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { DASH, formatCount, formatDate, formatDecimal, formatPercent } from "~/lib/format";
import { createResource } from "~/lib/resource";
import { Badge, Button, LinkButton, Note, PageHead, Panel, Percent, Select, Skeleton, Table, Tabs, toastProblem, type Column } from "~/ui";
import { HeatTable } from "./heat";
import { RunProgress } from "./progress";
import { FIGURES, marketOf } from "./result";
import { followSearch, isOpen, STATES } from "./run";
import { backtestOf, botLink, figureOf, foundOf, heat, worthOf, type Fold, type Found, type SearchRow, type Span, type Trial } from "./search";
import "./backtests.css";

const two = (v: number | null | undefined): string => (v === null || v === undefined ? DASH : formatDecimal(v.toFixed(2), { min: 2 }));
const wordsOf = (params: Record<string, string> | null): string => Object.entries(params ?? {}).map(([k, v]) => `${k} ${v}`).join(", ");
const spanOf = (s: Span): string => `${formatDate(s.from)} – ${formatDate(s.to)}`;

function HeatMap(props: { found: Found; label: string }): JSX.Element {
  const names = () => props.found.space.filter((a) => a.values.length > 1).map((a) => a.name);
  const [down, setDown] = createSignal(names()[0]!);
  const [across, setAcross] = createSignal(names()[1]!);
  const map = createMemo(() => heat(props.found, down(), across()));
  const options = (but: string) => names().filter((n) => n !== but).map((n) => ({ value: n, label: n }));
  return (
    <Panel title={`${props.label} by two parameters`} actions={
      <Show when={names().length > 2}><div class="row"><Select label="Down" value={down()} onValue={setDown} options={options(across())} /><Select label="Across" value={across()} onValue={setAcross} options={options(down())} /></div></Show>
    }>
      <HeatTable label={props.label} field={map()} better={props.found.objective.direction === "min" ? -1 : 1} write={two} />
      <Show when={names().length > 2}><p class="small muted">Each field is the mean over the other parameters.</p></Show>
    </Panel>
  );
}

function Walk(props: { found: Found; label: string }): JSX.Element {
  const columns: Column<Fold>[] = [
    { id: "train", label: "Chosen on", lead: true, value: (f) => f.train.from, cell: (f) => <span class="nowrap">{spanOf(f.train)}</span> },
    { id: "params", label: "Parameters", value: (f) => wordsOf(f.params), cell: (f) => <>{wordsOf(f.params) || "nothing kept the conditions"}</> },
    { id: "objective", label: `${props.label} there`, value: (f) => f.objective, kind: "number", cell: (f) => <>{two(f.objective)}</> },
    { id: "test", label: "Run on", value: (f) => f.test.from, cell: (f) => <span class="nowrap">{spanOf(f.test)}</span> },
    { id: "came", label: props.label, value: (f) => f.test_objective, kind: "number", cell: (f) => <>{two(f.test_objective)}</> },
    { id: "return", label: "Return", value: (f) => figureOf(f, "return_pct"), kind: "number", cell: (f) => <Percent value={figureOf(f, "return_pct")} signed /> },
    { id: "drawdown", label: "Drawdown", value: (f) => figureOf(f, "max_drawdown_pct"), kind: "number", cell: (f) => <Percent value={figureOf(f, "max_drawdown_pct")} /> },
  ];
  return <Panel title="Walk-forward" flush><Table rows={props.found.walk_forward!.folds} columns={columns} key={(f) => String(f.test.from)} label="Steps" pageSize={25} csvName="walk-forward" /></Panel>;
}

type View = "runs" | "map" | "walk";

function FoundReport(props: { row: SearchRow; found: Found }): JSX.Element {
  const navigate = useNavigate();
  const [view, setView] = createSignal<View>("runs");
  const [busy, setBusy] = createSignal<number | null>(null);
  const f = () => props.found;
  const label = () => FIGURES.find((x) => x.key === f().objective.key)?.label ?? f().objective.key;
  const backtest = async (t: Trial): Promise<void> => {
    setBusy(t.rank);
    try {
      navigate(`/backtests/${(await ok(api.POST("/api/v1/backtests", { body: backtestOf(props.row, t.params) }))).id}`);
    } catch (e) {
      toastProblem("It could not be run", e);
      setBusy(null);
    }
  };
  const columns = createMemo((): Column<Trial>[] => [
    { id: "rank", label: "#", value: (t) => t.rank, kind: "number", right: false, lead: true },
    ...f().space.map((a): Column<Trial> => ({ id: `p-${a.name}`, label: a.name, value: (t) => (Number.isFinite(Number(t.params[a.name])) ? Number(t.params[a.name]) : (t.params[a.name] ?? "")), kind: "number", cell: (t) => <>{t.params[a.name]}</> })),
    { id: "objective", label: label(), value: (t) => t.objective, kind: "number", cell: (t) => <Show when={!t.error} fallback={<Badge tone="bad" title={t.error}>Failed</Badge>}>{two(t.objective)}<Show when={!t.accepted}> <Badge tone="neutral" title="Broke a condition, or has no such figure">–</Badge></Show></Show> },
    { id: "unseen", label: "Unseen", value: (t) => t.out_of_sample?.objective ?? null, kind: "number", cell: (t) => <>{two(t.out_of_sample?.objective)}</> },
    { id: "around", label: "Neighbours", value: (t) => t.neighbours?.mean ?? null, kind: "number", cell: (t) => <>{two(t.neighbours?.mean)}</> },
    { id: "return", label: "Return", value: (t) => figureOf(t, "return_pct"), kind: "number", cell: (t) => <Percent value={figureOf(t, "return_pct")} signed /> },
    { id: "drawdown", label: "Drawdown", value: (t) => figureOf(t, "max_drawdown_pct"), kind: "number", cell: (t) => <Percent value={figureOf(t, "max_drawdown_pct")} /> },
    { id: "trades", label: "Trades", value: (t) => figureOf(t, "trades"), kind: "number", cell: (t) => <>{formatCount(figureOf(t, "trades"))}</> },
    { id: "use", label: "", value: () => "", bare: true, cell: (t) => <span class="row nowrap"><Button small kind="quiet" icon="play" iconOnly busy={busy() === t.rank} onClick={() => void backtest(t)}>Backtest this</Button><LinkButton small kind="quiet" icon="bot" iconOnly href={botLink(props.row, t.params)}>Use in a bot</LinkButton></span> },
  ]);
  const axes = () => f().space.filter((a) => a.values.length > 1).length;
  return (
    <>
      <Show when={f().stopped === "time"}><Note tone="warn" title="Its computing time was used up">It made {formatCount(f().runs)} runs of {formatCount(f().combinations)} combinations. Take wider steps, a shorter history, or a larger plan.</Note></Show>
      <Show when={f().first_failure}><Note tone="warn" title={`${formatCount(f().failed)} runs failed`}>{f().first_failure}</Note></Show>
      <Panel title="The best" actions={<Show when={f().results[0]?.accepted && f().results[0]}>{(best) => <div class="row"><Button small icon="play" busy={busy() === 1} onClick={() => void backtest(best())}>Backtest this</Button><LinkButton small icon="bot" href={botLink(props.row, best().params)}>Use in a bot</LinkButton></div>}</Show>}>
        <div class="stack-s">
          <Show when={f().results[0]}>{(best) => <p><b>{wordsOf(best().params)}</b>: {label()} {two(best().objective)}, return {figureOf(best(), "return_pct") === null ? DASH : formatPercent(figureOf(best(), "return_pct")!)} on {spanOf(f().spans.search)}</p>}</Show>
          <ul class="bt-worth"><For each={worthOf(f())}>{(w) => <li><Badge tone={w.tone === "ok" ? "good" : w.tone}>{w.tone === "ok" ? "Good" : w.tone === "warn" ? "Doubtful" : "Bad"}</Badge> {w.text}</li>}</For></ul>
          <p class="small muted">{formatCount(f().runs)} runs; {formatCount(f().accepted)} kept the conditions, {formatCount(f().refused)} were refused by the script's check.</p>
        </div>
      </Panel>
      <Tabs label="Parts of the result" value={view()} onValue={(v) => setView(v as View)} items={[{ value: "runs", label: "Runs", count: f().results.length }, ...(axes() > 1 ? [{ value: "map", label: "Map" }] : []), ...(f().walk_forward ? [{ value: "walk", label: "Walk-forward" }] : [])]} />
      <Show when={view() === "runs"}><Panel flush label="Runs"><Table rows={f().results} columns={columns()} key={(t) => String(t.rank)} label="Runs" pageSize={20} csvName="parameters" /></Panel></Show>
      <Show when={view() === "map" && axes() > 1}><HeatMap found={f()} label={label()} /></Show>
      <Show when={view() === "walk" && f().walk_forward}><Walk found={f()} label={label()} /></Show>
    </>
  );
}

export default function SearchPage(): JSX.Element {
  const params = useParams<{ id: string }>();
  const run = followSearch(() => params.id);
  const [strategy] = createResource(() => run.row()?.strategy_id, (id) => ok(api.GET("/api/v1/strategies/{strategy_id}", { params: { path: { strategy_id: id } } })).catch(() => null));
  return (
    <>
      <Show when={run.row()} fallback={<Show when={!run.problem()}><Skeleton lines={1} height={28} /></Show>}>
        {(row) => (
          <PageHead title={`${strategy.latest?.name ?? "Search"}, ${marketOf(row()).symbol} ${marketOf(row()).timeframe}`} up={{ label: "Optimise", href: `/backtests/optimise?strategy=${row().strategy_id}` }}>
            <Badge tone={STATES[row().state].tone} pulse={isOpen(row().state)}>{STATES[row().state].label}</Badge>
          </PageHead>
        )}
      </Show>
      <div class="stack">
        <RunProgress of={run} what="search" />
        <Show when={foundOf(run.row())}>{(found) => <FoundReport row={run.row() as SearchRow} found={found()} />}</Show>
      </div>
    </>
  );
}
