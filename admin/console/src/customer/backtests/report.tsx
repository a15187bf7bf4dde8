// The report of a backtest: what came out, how far it can be believed, and everything that happened on the way.
import { createMemo, createSignal, For, lazy, Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { DASH, formatCount, formatDateTime, formatDecimal, formatDuration, formatMoney, formatNumber, formatPercent } from "~/lib/format";
import { createResource } from "~/lib/resource";
import { Badge, Button, Empty, Load, Money, Note, Panel, Percent, Price, Quantity, Segmented, Skeleton, Stat, Table, Tabs, Time, saveFile, type Column } from "~/ui";
import { candle, type Candle, type ChartSeries } from "~/ui/chart";
import { reference } from "~/code/reference";
import { drawdown, equityOf, FIGURES, drawn, markers, monthly, PATHS, pathWords, type Fill, type Note as Line, type Result, type Stats, type Trade } from "./result";
import "./backtests.css";

const Chart = lazy(() => import("~/ui/chart").then((m) => ({ default: m.Chart })));

/** A ratio with two places, so that columns stand below one another. */
const ratio = (v: number | null | undefined): string => (v == null || !Number.isFinite(v) ? DASH : formatDecimal(v.toFixed(2), { min: 2 }));

export function figure(stats: Stats, key: string, kind: (typeof FIGURES)[number]["kind"]): string {
  const v = stats[key];
  if (v === null || v === undefined) return "–";
  if (kind === "money") return formatMoney(String(v));
  if (kind === "pct") return formatPercent(Number(v));
  if (kind === "count") return formatCount(Number(v));
  if (kind === "duration") return formatDuration(Number(v));
  return ratio(Number(v));
}

const num = (s: Stats, key: string): number | null => (typeof s[key] === "number" ? (s[key] as number) : null);

function Summary(props: { result: Result }): JSX.Element {
  const s = () => props.result.stats;
  const words = () => pathWords(props.result);
  return (
    <div class="stack">
      <div class="bt-tiles">
        <Stat name="Return" note={<>Buy and hold <Percent value={num(s(), "buy_hold_return_pct")} signed /></>}><Percent value={num(s(), "return_pct")} signed /></Stat>
        <Stat name="Max drawdown" note={<>longest {formatDuration(num(s(), "max_drawdown_ms"))}</>}><Percent value={num(s(), "max_drawdown_pct")} /></Stat>
        <Stat name="Sharpe" note={<>Sortino {ratio(num(s(), "sortino"))}, Calmar {ratio(num(s(), "calmar"))}</>}>{ratio(num(s(), "sharpe"))}</Stat>
        <Stat name="Trades" note={<>{formatPercent(num(s(), "win_rate_pct"), { max: 1 })} won</>}>{formatCount(num(s(), "trades"))}</Stat>
        <Stat name="Profit factor" note={<>per trade <Money value={String(s().expectancy ?? "")} signed /></>}>{ratio(num(s(), "profit_factor"))}</Stat>
        <Stat name="Final equity" note={<>fees <Money value={String(s().fees ?? "")} /></>}><Money value={String(s().equity_final ?? "")} /></Stat>
      </div>
      <Show when={words()}>{(w) => <Note tone={w().level === "ok" ? "good" : w().level === "warn" ? "warn" : "bad"} title="Inside the bars">{w().text}</Note>}</Show>
      <Show when={props.result.interrupted}><Note tone="warn" title="The run was stopped early">The figures are of what had been done by then.</Note></Show>
      <Show when={props.result.open.length}>
        <Note title={`${props.result.open.length} position${props.result.open.length > 1 ? "s" : ""} open at the end`}>
          <For each={props.result.open}>{(o) => <p class="small">{o.side} <Quantity value={o.qty} /> {o.symbol} from <Price value={o.avg_price} />, now <Price value={o.mark_price} />: <Money value={o.pnl} signed />. Counted in the equity at the last price, not as a trade.</p>}</For>
        </Note>
      </Show>
    </div>
  );
}

function Equity(props: { result: Result }): JSX.Element {
  const equity = createMemo(() => equityOf(props.result));
  const curves = createMemo((): ChartSeries[] => [
    { id: "equity", title: "Equity", kind: "area", data: equity(), color: "--chart-1", places: 2 },
    { id: "drawdown", title: "Drawdown, %", kind: "baseline", base: 0, pane: 1, data: drawdown(equity()), color: "--down", places: 1 },
  ]);
  const months = createMemo(() => monthly(equity()));
  const worst = () => Math.max(1, ...months().map((m) => Math.abs(m.pct)));
  return (
    <>
      <Panel title="Equity and drawdown" flush>
        <Show when={equity().length > 1} fallback={<Empty icon="backtest" title="Too short for a curve" text="The run has fewer than two marks of its equity." />}>
          <Chart label={`Equity from ${formatMoney(String(equity()[0]!.value))} to ${formatMoney(String(equity().at(-1)!.value))}; drawdown below it, at most ${formatPercent(num(props.result.stats, "max_drawdown_pct"))}`} height={420} fit stretch={[3, 1]} series={curves()} />
        </Show>
      </Panel>
      <Show when={months().length > 1}>
        <Panel title="By month">
          <ul class="bt-months">
            <For each={months()}>{(m) => (
              <li classList={{ up: m.pct > 0, down: m.pct < 0 }} style={{ "--share": `${Math.round((Math.abs(m.pct) / worst()) * 45)}%` }}><span class="tiny">{m.month}</span><span class="num small">{formatPercent(m.pct, { signed: true, max: 1 })}</span></li>
            )}</For>
          </ul>
        </Panel>
      </Show>
    </>
  );
}

function AllFigures(props: { result: Result }): JSX.Element {
  const [ref] = createResource(() => reference().catch(() => null));
  const rows = () => (ref()?.stats ?? []).filter((s) => props.result.stats[s.name] !== undefined);
  const kind = (key: string): (typeof FIGURES)[number]["kind"] => FIGURES.find((f) => f.key === key)?.kind ?? (key.endsWith("_pct") ? "pct" : key.endsWith("_ms") ? "duration" : typeof props.result.stats[key] === "string" ? "money" : Number.isInteger(props.result.stats[key]) ? "count" : "ratio");
  return (
    <div class="cols-2">
      <Panel title="All figures" flush>
        <Show when={ref.state === "ready"} fallback={<Skeleton lines={8} />}>
          <dl class="bt-figures"><For each={rows()}>{(s) => <div title={s.about}><dt>{s.label}</dt><dd class="num">{figure(props.result.stats, s.name, kind(s.name))}</dd></div>}</For></dl>
        </Show>
      </Panel>
      <Panel title="Three guesses about the inside of bars" flush>
        <div class="table-wrap" tabindex="0" role="region" aria-label="Three guesses">
          <table class="table bt-paths">
            <thead><tr><th scope="col"><span>Figure</span></th><For each={PATHS}>{(p) => <th scope="col" class="right" title={p.about}><span>{p.label}</span></th>}</For></tr></thead>
            <tbody>
              <For each={FIGURES.filter((f) => PATHS.some((p) => props.result.paths?.[p.name]?.[f.key] != null))}>
                {(f) => <tr><th scope="row" class="bt-row">{f.label}</th><For each={PATHS}>{(p) => <td class="right num">{figure(props.result.paths?.[p.name] ?? {}, f.key, f.kind)}</td>}</For></tr>}
              </For>
            </tbody>
          </table>
        </div>
        <p class="small muted bt-pad">A bar has four prices, not the way between them. Where the three columns differ, that way decides – and nobody knows it without finer data.</p>
      </Panel>
    </div>
  );
}

const CANDLES_MAX = 20_000;

function Prices(props: { result: Result; venue: string; focus: number | null }): JSX.Element {
  const main = () => props.result.data[0];
  const [bars, { refetch }] = createResource(
    () => main() && { symbol: main()!.symbol, timeframe: main()!.timeframe, from: Math.max(main()!.from, 0), to: main()!.to },
    async (m) => {
      const items: { time: number; open: string; high: string; low: string; close: string }[] = [];
      let cursor: string | undefined;
      do {
        const page = await ok(api.GET("/api/v1/markets/{symbol}/bars", { params: { path: { symbol: m.symbol }, query: { timeframe: m.timeframe, from: m.from, to: m.to + 1, limit: 5000, ...(props.venue ? { venue: props.venue } : {}), ...(cursor ? { cursor } : {}) } } }));
        items.push(...page.items);
        cursor = page.next_cursor ?? undefined;
      } while (cursor && items.length < CANDLES_MAX);
      return { whole: !cursor, places: Math.min(8, Math.max(0, ...items.slice(-50).map((b) => (b.close.split(".")[1] ?? "").length))), candles: items.map(candle) };
    },
  );
  const plots = () => Object.entries(props.result.plots);
  // What stands near the price is drawn over it, the rest in a pane of its own.
  const pane = (values: readonly [number, number][], low: number, high: number): number => {
    const mid = values[Math.floor(values.length / 2)]?.[1] ?? 0;
    return mid > low * 0.5 && mid < high * 1.5 ? 0 : 1;
  };
  const step = (candles: readonly Candle[]): number => (candles.length > 1 ? candles[1]!.time - candles[0]!.time : 60_000);
  const series = (candles: readonly Candle[], places: number): ChartSeries[] => {
    const low = candles.reduce((m, c) => Math.min(m, c.low), Infinity), high = candles.reduce((m, c) => Math.max(m, c.high), -Infinity);
    return [
      { id: "price", kind: "candles", data: candles, places, markers: markers(props.result.fills, main()!.symbol, candles.at(-1)?.time ?? 0) },
      ...plots().map(([name, values], i): ChartSeries => ({ id: `plot ${name}`, title: name, kind: "line", data: drawn(values), color: `--chart-${(i % 6) + 1}`, pane: pane(values, low, high) })),
    ];
  };
  return (
    <Panel title={`${main()?.symbol ?? "Price"} ${main()?.timeframe ?? ""}: what was bought and sold${plots().length ? ", and the script's plots" : ""}`} flush>
      <Load of={bars} retry={() => void refetch()} what="The price history cannot be shown" skeleton={<div class="bt-pad"><Skeleton lines={8} /></div>}>
        {(b) => (
          <Show when={b().candles.length} fallback={<Empty title="The history is gone" text="It was removed since this run." />}>
            <Chart label={`Candles of ${main()!.symbol} with ${formatCount(props.result.fills.length)} fills; the tables below have them in numbers`} height={420} stretch={[3, 1]} series={series(b().candles, b().places)} show={props.focus === null ? null : [props.focus - 60 * step(b().candles), props.focus + 60 * step(b().candles)]} />
            <Show when={!b().whole}><p class="small muted bt-pad">The first {formatCount(CANDLES_MAX)} bars are drawn.</p></Show>
          </Show>
        )}
      </Load>
    </Panel>
  );
}

function Trades(props: { trades: readonly Trade[]; onShow: (time: number) => void }): JSX.Element {
  const several = new Set(props.trades.map((t) => t.symbol)).size > 1;
  const key = new Map(props.trades.map((t, i) => [t, String(i)]));
  const columns: Column<Trade>[] = [
    { id: "exit", label: "Closed", value: (t) => t.exit_time, kind: "number", lead: true, right: false, cell: (t) => <Time ms={t.exit_time} /> },
    ...(several ? [{ id: "symbol", label: "Symbol", value: (t: Trade) => t.symbol }] : []),
    { id: "side", label: "Side", value: (t) => t.side, cell: (t) => <Badge plain tone={t.side === "long" ? "good" : "bad"}>{t.side}</Badge> },
    { id: "qty", label: "Size", value: (t) => t.qty, kind: "decimal", cell: (t) => <Quantity value={t.qty} /> },
    { id: "entry", label: "Entry", value: (t) => t.entry_price, kind: "decimal", cell: (t) => <Price value={t.entry_price} /> },
    { id: "out", label: "Exit", value: (t) => t.exit_price, kind: "decimal", cell: (t) => <Price value={t.exit_price} /> },
    { id: "pnl", label: "Result", value: (t) => t.pnl, kind: "decimal", cell: (t) => <Money value={t.pnl} signed /> },
    { id: "fees", label: "Fees", value: (t) => t.fees, kind: "decimal", cell: (t) => <Money value={t.fees} /> },
    { id: "bars", label: "Bars", value: (t) => t.bars, kind: "number" },
    { id: "mae", label: "Worst", value: (t) => t.mae, kind: "decimal", cell: (t) => <Money value={t.mae} /> },
    { id: "mfe", label: "Best", value: (t) => t.mfe, kind: "decimal", cell: (t) => <Money value={t.mfe} /> },
    { id: "tags", label: "In / out", value: (t) => `${t.tag} / ${t.exit_tag}`, cell: (t) => <span class="small nowrap">{t.tag || "–"} / {t.exit_tag || "–"} {t.ambiguous ? <Badge tone="warn" title="One bar held both stop and target: a guess decided">guess</Badge> : null}{t.liquidated ? <Badge tone="bad">liquidated</Badge> : null}</span> },
    { id: "show", label: "", value: () => "", bare: true, cell: (t) => <Button small kind="quiet" icon="search" iconOnly onClick={() => props.onShow(t.entry_time)}>Show on the chart</Button> },
  ];
  return <Table rows={props.trades} columns={columns} key={(t) => key.get(t) ?? ""} label="Trades" pageSize={25} search csvName="trades" empty={<Empty icon="trades" title="No trade was closed" text="Look at the denials and logs, and at open positions at the end." />} />;
}

function Fills(props: { fills: readonly Fill[] }): JSX.Element {
  const key = new Map(props.fills.map((f, i) => [f, String(i)]));
  const columns: Column<Fill>[] = [
    { id: "time", label: "Bar", value: (f) => f.time, kind: "number", lead: true, right: false, cell: (f) => <Time ms={f.time} /> },
    { id: "order", label: "Order", value: (f) => Number(f.order), kind: "number" },
    { id: "symbol", label: "Symbol", value: (f) => f.symbol },
    { id: "side", label: "Side", value: (f) => f.side, cell: (f) => <span class={f.side === "buy" ? "up" : "down"}>{f.side}</span> },
    { id: "qty", label: "Size", value: (f) => f.qty, kind: "decimal", cell: (f) => <Quantity value={f.qty} /> },
    { id: "price", label: "Price", value: (f) => f.price, kind: "decimal", cell: (f) => <Price value={f.price} /> },
    { id: "fee", label: "Fee", value: (f) => f.fee, kind: "decimal", cell: (f) => <Money value={f.fee} /> },
    { id: "maker", label: "As", value: (f) => (f.maker ? "maker" : "taker") },
    { id: "tag", label: "Tag", value: (f) => f.tag, cell: (f) => <span class="small">{f.tag || "–"} {f.ambiguous ? <Badge tone="warn">guess</Badge> : null}{f.cut ? <Badge tone="warn" title="Funds at the fill did not cover the whole size">cut</Badge> : null}</span> },
  ];
  return <Table rows={props.fills} columns={columns} key={(f) => key.get(f) ?? ""} label="Fills" pageSize={50} csvName="fills" empty={<Empty icon="trades" title="Nothing was filled" />} />;
}

function Denials(props: { result: Result }): JSX.Element {
  const [ref] = createResource(() => reference().catch(() => null));
  return (
    <Show when={props.result.denied.length} fallback={<Empty icon="check" title="Nothing was denied" text="Every order that the script asked for was accepted." />}>
      <ul class="bt-denials">
        <For each={props.result.denied}>
          {(d) => <li><div class="row"><Badge tone="warn" plain>{d.code}</Badge><span class="num">{formatCount(d.count)} times</span><span class="small muted">first <Time ms={d.time} /></span></div><p>{ref()?.reasons.find((r) => r.name === d.code)?.about ?? ""}</p></li>}
        </For>
      </ul>
    </Show>
  );
}

function Lines(props: { lines: readonly Line[]; dropped: number }): JSX.Element {
  const key = new Map(props.lines.map((l, i) => [l, String(i)]));
  const tone = (level: string | undefined) => (level === "error" ? "bad" : level === "warn" ? "warn" : "neutral");
  const columns: Column<Line>[] = [
    { id: "time", label: "Time", value: (l) => l.time, kind: "number", lead: true, right: false, cell: (l) => <Time ms={l.time} /> },
    { id: "level", label: "Level", value: (l) => l.level ?? "mark", cell: (l) => <Badge plain tone={tone(l.level)}>{l.level ?? "mark"}</Badge> },
    { id: "text", label: "Text", value: (l) => l.text, cell: (l) => <span class="mono break">{l.text}</span> },
  ];
  return (
    <>
      <Show when={props.dropped > 0}><Note tone="warn">{formatCount(props.dropped)} more lines were not kept: a run keeps 10,000.</Note></Show>
      <Table rows={props.lines} columns={columns} key={(l) => key.get(l) ?? ""} label="Logs" pageSize={100} search csvName="logs" empty={<Empty title="No lines" text="ctx:log(…), ctx:notify(…) and ctx:mark(…) write here." />} />
    </>
  );
}

function Conditions(props: { result: Result }): JSX.Element {
  const pairs = (o: Record<string, unknown>) => Object.entries(o);
  return (
    <div class="cols-2">
      <Panel title="Parameters"><dl class="facts"><For each={pairs(props.result.params)}>{([k, v]) => <><dt>{k}</dt><dd>{String(v)}</dd></>}</For></dl></Panel>
      <Panel title="Conditions">
        <dl class="facts">
          <For each={pairs(props.result.config)}>{([k, v]) => <><dt>{k}</dt><dd>{String(v)}</dd></>}</For>
          <For each={props.result.data}>{(d) => <><dt>{d.stream}</dt><dd>{d.symbol} {d.timeframe}, {formatCount(d.bars)} bars, {formatDateTime(d.from)} to {formatDateTime(d.to)}{d.gaps ? `, ${d.gaps} gaps` : ""}</dd></>}</For>
          <dt>engine</dt><dd>{props.result.engine.version}</dd>
          <dt>script</dt><dd class="mono break">{props.result.script.sha256.slice(0, 16)}</dd>
          <dt>hash</dt><dd class="mono break">{props.result.hash.slice(0, 32)}</dd>
          <dt>took</dt><dd>{formatNumber(props.result.timing.seconds, 2)} s, {formatCount(props.result.timing.bars_per_second)} bars a second</dd>
        </dl>
        <p class="small muted">The same script, data, parameters and seed give this hash on any machine.</p>
      </Panel>
    </div>
  );
}

type View = "result" | "trades" | "fills" | "figures" | "denied" | "logs" | "setup";

export function Report(props: { result: Result; venue: string; name: string }): JSX.Element {
  const [view, setView] = createSignal<View>("result");
  const [focus, setFocus] = createSignal<number | null>(null);
  const [lines, setLines] = createSignal<"logs" | "marks">("logs");
  const show = (time: number): void => {
    setFocus(null);
    setView("trades");
    setFocus(time);
    document.querySelector(".bt-price")?.scrollIntoView({ behavior: "smooth", block: "center" });
  };
  const r = () => props.result;
  return (
    <div class="stack">
      <Summary result={r()} />
      <For each={r().warnings.slice(0, 20)}>{(w) => <Note tone="warn">{w}</Note>}</For>
      <div class="row-between">
        <Tabs label="Parts of the report" value={view()} onValue={(v) => setView(v as View)} items={[
          { value: "result", label: "Curve" }, { value: "trades", label: "Trades", count: r().trades.length }, { value: "fills", label: "Fills", count: r().fills.length }, { value: "figures", label: "Figures" },
          { value: "denied", label: "Denials", count: r().denied.length }, { value: "logs", label: "Logs", count: r().logs.length }, { value: "setup", label: "Conditions" },
        ]} />
        <Button small icon="download" kind="quiet" onClick={() => saveFile(`${props.name}.json`, JSON.stringify(r(), null, 1), "application/json")}>JSON</Button>
      </div>
      <Show when={view() === "result"}><Equity result={r()} /></Show>
      <Show when={view() === "trades"}>
        <div class="bt-price"><Prices result={r()} venue={props.venue} focus={focus()} /></div>
        <Panel title="Trades" flush><Trades trades={r().trades} onShow={show} /></Panel>
      </Show>
      <Show when={view() === "fills"}><Panel title="Fills" flush><Fills fills={r().fills} /></Panel></Show>
      <Show when={view() === "figures"}><AllFigures result={r()} /></Show>
      <Show when={view() === "denied"}><Panel title="Orders that were refused"><Denials result={r()} /></Panel></Show>
      <Show when={view() === "logs"}>
        <Panel title="Logs" flush actions={<Segmented label="What" value={lines()} onValue={setLines} items={[{ value: "logs", label: "Logs" }, { value: "marks", label: "Marks" }]} />}>
          <Show when={lines()} keyed>{(which) => <Lines lines={r()[which]} dropped={r().dropped[which] ?? 0} />}</Show>
        </Panel>
      </Show>
      <Show when={view() === "setup"}><Conditions result={r()} /></Show>
    </div>
  );
}
