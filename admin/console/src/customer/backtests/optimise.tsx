// A search for parameters is set up: which of them between which values, on which history, and what is to be large. Below: those there were.
import { A, useNavigate, useSearchParams } from "@solidjs/router";
import { createEffect, createMemo, createSignal, onCleanup, Show, type JSX } from "solid-js";
import { createStore } from "solid-js/store";
import { all, api, ok } from "~/api/client";
import { toProblem, type Problem } from "~/api/problem";
import { DASH, formatCount, formatDecimal } from "~/lib/format";
import { toValues, type ParamTexts } from "~/lib/params";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Button, ConfirmDialog, Empty, ErrorNote, Load, Note, PageHead, Panel, Percent, Select, Skeleton, Table, TextField, type Column } from "~/ui";
import { ParamForm } from "../params/form";
import { headerOf, type ScriptHeader } from "../studio/header";
import { keyOf, newSetup, offered, requestOf, SetupForm, type Market, type Setup } from "../studio/setup";
import "../studio/studio.css";
import { axesOf } from "./grid";
import { FIGURES, marketOf } from "./result";
import { isOpen, STATES } from "./run";
import { suggestRange, type SearchRequest, type SearchRow } from "./search";
import { firstVaried, VaryPanel, type Varied } from "./vary";
import "./backtests.css";

const AXES_MAX = 8, TRIALS_MAX = 10_000, AGAIN_MS = 1500;
const METHODS = [{ value: "grid", label: "Grid: every combination" }, { value: "tpe", label: "Near what was good so far" }, { value: "random", label: "Random" }];
const OBJECTIVES = [...FIGURES.filter((f) => f.better && f.kind !== "duration")].sort((a, b) => Number(b.key === "sharpe") - Number(a.key === "sharpe"));

function Form(props: { strategyId: string; header: ScriptHeader; markets: readonly Market[] }): JSX.Element {
  const navigate = useNavigate();
  const [ranges, setRanges] = createSignal<Varied>(firstVaried(props.header.params, suggestRange));
  const [setup, setSetup] = createSignal<Setup>(newSetup());
  createEffect(() => props.markets.length && !setup().market && setSetup((s) => ({ ...s, market: keyOf(props.markets.find((m) => m.timeframe === "1h") ?? props.markets[0]!) })));
  const [texts, setTexts] = createStore<ParamTexts>({});
  const [how, setHow] = createStore({ method: "grid", trials: "300", objective: "sharpe", unseen: "25", walk: "0", trades: "20", drawdown: "" });
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  const made = createMemo(() => axesOf(props.header.params, ranges()));
  const others = () => props.header.params.filter((p) => !(p.name in ranges()));
  const fixed = () => toValues(others(), texts);
  const runs = () => (how.method === "grid" ? made().count : Math.min(made().count, Number(how.trials) || 0));
  const missing = (): string => {
    const [wrong] = Object.entries(fixed().errors);
    if (!Object.keys(ranges()).length) return "Choose a parameter to vary.";
    if (Object.keys(made().errors).length) return "Some values cannot be used.";
    if (runs() > TRIALS_MAX) return `${formatCount(made().count)} combinations: take wider steps, or let a method choose.`;
    const m = requestOf(props.strategyId, null, props.header, setup(), fixed().values, props.markets);
    return wrong ? `${wrong[0]} must be ${wrong[1]}.` : "missing" in m ? m.missing : "";
  };
  const start = async (): Promise<void> => {
    const m = requestOf(props.strategyId, null, props.header, setup(), fixed().values, props.markets);
    if (!("request" in m)) return;
    setBusy(true);
    setProblem(null);
    const require = [...(how.trades.trim() ? [`trades>=${how.trades.trim()}`] : []), ...(how.drawdown.trim() ? [`max_drawdown_pct<=${how.drawdown.trim()}`] : [])];
    const body: SearchRequest = {
      ...m.request, ranges: ranges(), method: how.method as SearchRequest["method"], trials: how.method === "grid" ? Math.max(1, made().count) : Math.trunc(Number(how.trials)) || 1, objective: how.objective, require,
      out_of_sample_pct: Math.trunc(Number(how.unseen)) || 0, walk_forward: Math.trunc(Number(how.walk)) || 0,
    };
    try {
      navigate(`/backtests/optimise/${(await ok(api.POST("/api/v1/optimizations", { body }))).id}`);
    } catch (e) {
      setProblem(toProblem(e));
      setBusy(false);
    }
  };
  return (
    <>
      <div class="cols-2">
        <VaryPanel params={props.header.params} texts={ranges()} onTexts={setRanges} axes={made()} max={AXES_MAX} suggest={suggestRange} problem={problem()}>
          <Show when={others().length}><details class="studio-more"><summary>The other parameters</summary><ParamForm specs={others()} texts={texts} onText={setTexts} problem={problem()} pointer="/params" /></details></Show>
        </VaryPanel>
        <Panel title="What is good">
          <div class="studio-fields">
            <Select label="To be made good" value={how.objective} onValue={(v) => setHow("objective", v)} problem={problem()} pointer="/objective" options={OBJECTIVES.map((f) => ({ value: f.key, label: f.better < 0 ? `${f.label}, small` : f.label }))} />
            <Select label="Method" value={how.method} onValue={(v) => setHow("method", v)} options={METHODS} />
            <Show when={how.method !== "grid"}><TextField label="Runs" numeric value={how.trials} onValue={(v) => setHow("trials", v)} problem={problem()} pointer="/trials" /></Show>
            <TextField label="At least so many trades" numeric value={how.trades} onValue={(v) => setHow("trades", v)} problem={problem()} pointer="/require/0" hint="A good figure of few trades is luck" />
            <TextField label="At most this drawdown" numeric unit="%" value={how.drawdown} onValue={(v) => setHow("drawdown", v)} hint="Empty: any" />
            <TextField label="Kept from the search" numeric unit="%" value={how.unseen} onValue={(v) => setHow("unseen", v)} problem={problem()} pointer="/out_of_sample_pct" hint="The newest bars: the best are run on them afterwards" />
            <TextField label="Walk-forward steps" numeric value={how.walk} onValue={(v) => setHow("walk", v)} problem={problem()} pointer="/walk_forward" hint="0: none. Each searches again on what is past" />
          </div>
        </Panel>
      </div>
      <Panel title="Conditions"><div class="stack"><SetupForm setup={setup()} onSetup={setSetup} markets={props.markets} problem={problem()} header={props.header} /></div></Panel>
      <ErrorNote problem={problem()} what="The search was refused" />
      <div class="row">
        <Button kind="primary" icon="play" busy={busy()} disabled={!!missing()} onClick={() => void start()}>Search</Button>
        <span class="small muted" role="status">{missing() || `${formatCount(runs())} of ${formatCount(made().count)} combinations. It counts as one of your plan's backtests.`}</span>
      </div>
    </>
  );
}

function Searches(props: { names: ReadonlyMap<string, string> }): JSX.Element {
  const [rows, { refetch }] = createResource(() => ok(api.GET("/api/v1/optimizations", { params: { query: { limit: 100 } } })).then((l) => l.items));
  const timer = setInterval(() => rows.latest?.some((r) => isOpen(r.state)) && !document.hidden && void refetch(), AGAIN_MS);
  onCleanup(() => clearInterval(timer));
  const [forgetting, setForgetting] = createSignal<SearchRow | null>(null);
  const wish = (r: SearchRow) => r.request as unknown as SearchRequest;
  const varied = (r: SearchRow): string => Object.entries(wish(r).ranges ?? {}).map(([k, v]) => `${k} ${v}`).join(", ");
  const figure = (r: SearchRow, key: string): number | null => (typeof r.summary?.[key] === "number" ? (r.summary[key] as number) : null);
  const columns: Column<SearchRow>[] = [
    { id: "strategy", label: "Strategy", lead: true, value: (r) => props.names.get(r.strategy_id) ?? "", cell: (r) => <A href={`/backtests/optimise/${r.id}`}>{props.names.get(r.strategy_id) ?? "a deleted strategy"} <span class="muted small">v{r.version}</span></A> },
    { id: "market", label: "Market", value: (r) => marketOf(r).symbol, cell: (r) => <span class="nowrap">{marketOf(r).symbol} <span class="muted">{marketOf(r).timeframe}</span></span> },
    { id: "ranges", label: "Varied", value: varied, cell: (r) => <span class="small muted">{varied(r) || "as the header says"}</span> },
    { id: "state", label: "State", value: (r) => r.state, cell: (r) => <Badge tone={STATES[r.state].tone} pulse={r.state === "running"} title={r.error ?? undefined}>{r.state === "running" ? `${Math.round(r.progress * 100)} %` : STATES[r.state].label}</Badge> },
    { id: "return", label: "Best: return", value: (r) => figure(r, "return_pct"), kind: "number", cell: (r) => <Percent value={figure(r, "return_pct")} signed /> },
    { id: "sharpe", label: "Sharpe", value: (r) => figure(r, "sharpe"), kind: "number", cell: (r) => <>{figure(r, "sharpe") === null ? DASH : formatDecimal(figure(r, "sharpe")!.toFixed(2), { min: 2 })}</> },
    { id: "when", label: "When", value: (r) => r.created_at_ms, kind: "number", cell: (r) => <Ago ms={r.created_at_ms} /> },
    { id: "end", label: "", value: () => "", bare: true, cell: (r) => <Button small kind="quiet" icon={isOpen(r.state) ? "square" : "trash"} iconOnly onClick={() => setForgetting(r)}>{isOpen(r.state) ? "Cancel" : "Forget"}</Button> },
  ];
  return (
    <>
      <Panel title="Searches" flush>
        <Load of={rows} retry={() => void refetch()} what="The searches cannot be listed" skeleton={<div class="bt-pad"><Skeleton lines={3} height={22} /></div>}>
          {(list) => <Table rows={list()} columns={columns} key={(r) => r.id} label="Searches" pageSize={15} empty={<Empty icon="search" title="No searches yet" text="A search runs a strategy with many parameters, and says how far the best of them can be believed." />} />}
        </Load>
      </Panel>
      <Show when={forgetting()}>
        {(r) => (
          <ConfirmDialog danger title={isOpen(r().state) ? "Cancel this search?" : "Forget this search?"} confirm={isOpen(r().state) ? "Cancel it" : "Forget it"} onClose={() => setForgetting(null)}
            action={async () => {
              await ok(api.DELETE("/api/v1/optimizations/{optimization_id}", { params: { path: { optimization_id: r().id } } }));
              await refetch();
            }}>
            <p>{isOpen(r().state) ? "It ends now, and nothing is kept of what it has found." : "Its result goes; the same request would give the same result again."}</p>
          </ConfirmDialog>
        )}
      </Show>
    </>
  );
}

type Offer = { id: string; name: string; header?: unknown };

/** One strategy's form, anew for another. */
function Chosen(props: { id: string; offer?: Offer; markets: readonly Market[] }): JSX.Element {
  const read = async () => props.offer?.header ?? (await ok(api.GET("/api/v1/strategies/{strategy_id}", { params: { path: { strategy_id: props.id } } }))).version?.header;
  const [found, { refetch }] = createResource(async () => ({ header: headerOf(await read()) }));
  return (
    <Load of={found} retry={() => void refetch()} what="The strategy cannot be read">
      {(f) => <Show when={f().header} fallback={<Note tone="warn">None of its versions is active.</Note>}>{(h) => <Form strategyId={props.id} header={h()} markets={props.markets} />}</Show>}
    </Load>
  );
}

export default function Optimise(): JSX.Element {
  const [search, setSearch] = useSearchParams<{ strategy?: string }>();
  const [base, { refetch }] = createResource(async () => {
    const [own, offers, markets] = await Promise.all([
      all((cursor) => ok(api.GET("/api/v1/strategies", { params: { query: { limit: 200, cursor } } }))),
      ok(api.GET("/api/v1/strategies/offered")).then((l) => l.items as Offer[]),
      all((cursor) => ok(api.GET("/api/v1/markets", { params: { query: { limit: 200, cursor } } })), 2000),
    ]);
    return { choices: [...own, ...offers].map((s) => ({ value: s.id, label: s.name })), offers, markets: offered(markets) };
  });
  return (
    <>
      <PageHead title="Optimise" up={{ label: "Backtests", href: "/backtests" }} />
      <Load of={base} retry={() => void refetch()} what="The strategies cannot be listed">
        {(b) => {
          const chosen = () => search.strategy || (b().choices[0]?.value ?? "");
          return (
            <div class="stack">
              <Show when={chosen()} fallback={<Empty icon="studio" title="No strategy yet" text="A search needs a strategy with parameters." />}>
                <div class="bt-which"><Select label="Strategy" value={chosen()} onValue={(v) => setSearch({ strategy: v })} options={b().choices} /></div>
                <Show when={chosen()} keyed>{(id) => <Chosen id={id} offer={b().offers.find((o) => o.id === id)} markets={b().markets} />}</Show>
              </Show>
              <Searches names={new Map(b().choices.map((c) => [c.value, c.label]))} />
            </div>
          );
        }}
      </Load>
    </>
  );
}
