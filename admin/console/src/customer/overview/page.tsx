// The first page: how all is, what needs somebody, and what happened last.
import { A } from "@solidjs/router";
import { createSignal, For, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { createResource } from "~/lib/resource";
import { every } from "~/lib/throttle";
import { Badge, Button, Empty, Icon, LinkButton, Load, ModeBadge, Money, PageHead, Panel, Percent, Price, Quantity, Segmented, Skeleton, SkeletonTiles, Stat, Table, Time, type BadgeTone, type Column } from "~/ui";
import { formatCount, formatNumber } from "~/lib/format";
import { Curve } from "../analytics/curve";
import { useOverview, type Bot } from "./live";
import "./overview.css";

const TONES: Record<string, BadgeTone> = { running: "good", starting: "info", stopping: "info", retrying: "warn", paused: "neutral", stopped: "neutral", halted: "bad", quarantined: "bad", dead: "bad", retired: "bad" };

type Alert = Schemas["Alert"];
const KINDS: Record<Alert["kind"], string> = { halt: "Kill switch", bot: "Bot stands still", unknown_order: "Order in doubt", denial: "Order refused", venue: "Venue", log: "Log" };

function Alerts(props: { items: readonly Alert[] }): JSX.Element {
  const [all, setAll] = createSignal(false);
  // A refusal stands in the bot's log, too; once is enough.
  const items = () => props.items.filter((a) => a.kind !== "log" || !props.items.some((d) => d.kind === "denial" && d.bot_id === a.bot_id && a.text.startsWith(`refused: ${d.code}`)));
  const shown = () => (all() ? items() : items().slice(0, 6));
  return (
    <Show when={items().length} fallback={<Empty icon="check" title="Nothing needs you" text="Halts, refused orders, failures and warnings of all bots would stand here." />}>
      <ul class="alerts">
        <For each={shown()}>
          {(a) => (
            <li class={a.severity}>
              <Icon name={a.kind === "halt" ? "stop" : a.severity === "error" ? "warn" : "info"} />
              <div class="grow stack-s">
                <div class="row-between small">
                  <span class="strong">{KINDS[a.kind]}<Show when={a.code && a.kind !== "halt"}> <code>{a.code}</code></Show><Show when={a.count > 1}> <span class="muted">× {formatCount(a.count)}</span></Show></span>
                  <span class="muted tiny"><Time ms={a.time_ms} /></span>
                </div>
                <p class="small break">{a.text}</p>
                <Show when={a.bot_id}><A class="small" href={`/bots/${a.bot_id}`}>{a.bot}</A></Show>
              </div>
            </li>
          )}
        </For>
      </ul>
      <Show when={items().length > 6}><div class="alerts-more"><Button small kind="quiet" onClick={() => setAll(!all())}>{all() ? "Fewer" : `All ${items().length}`}</Button></div></Show>
    </Show>
  );
}

const SPANS = [{ value: "day", label: "Day" }, { value: "week", label: "Week" }, { value: "month", label: "Month" }, { value: "all", label: "All" }] as const;

function EquityPanel(): JSX.Element {
  const [span, setSpan] = createSignal<(typeof SPANS)[number]["value"]>("day");
  const [what, setWhat] = createSignal<"pnl" | "equity">("pnl");
  const [curve, { refetch }] = createResource(span, (s) => ok(api.GET("/api/v1/analytics/equity", { params: { query: { span: s } } })));
  every(15_000, () => void refetch());
  return (
    <Panel
      title={what() === "pnl" ? "Profit of all bots" : "Equity of all bots"}
      actions={<><Segmented label="What is drawn" items={[{ value: "pnl", label: "Profit" }, { value: "equity", label: "Equity" }]} value={what()} onValue={setWhat} /><Segmented label="Over which time" items={SPANS} value={span()} onValue={setSpan} /></>}
    >
      <Load of={curve} retry={() => void refetch()} skeleton={<Skeleton lines={6} height={28} />}>
        {(c) => (
          <Show when={c().curves.some((k) => k.points.length) && c().to_ms} fallback={<Empty icon="analytics" title="No curve yet" text="It begins with the first bar that one of your bots sees." />}>
            <div class="stack">
              <For each={c().curves}>
                {(k) => <Curve label={`${what() === "pnl" ? "Profit" : "Equity"} in ${k.currency}`} currency={k.currency} signed={what() === "pnl"} points={k.points.map((p) => ({ time: p.time_ms ?? 0, value: what() === "pnl" ? p.pnl : p.equity }))} />}
              </For>
            </div>
          </Show>
        )}
      </Load>
    </Panel>
  );
}

function FirstSteps(): JSX.Element {
  return (
    <Panel>
      <Empty icon="bot" title="Let a first bot trade on paper" text="Choose a strategy, see at once how it would have done, and start it with play money. No exchange account is needed.">
        <LinkButton kind="primary" icon="plus" href="/bots/new">New bot</LinkButton>
        <LinkButton href="/studio">Write a strategy</LinkButton>
      </Empty>
    </Panel>
  );
}

export default function Overview(): JSX.Element {
  const o = useOverview();
  const atWork = () => (o.bots.latest ?? []).filter((b) => b.state !== "stopped" || b.wanted !== "stopped");
  const botColumns: Column<Bot>[] = [
    { id: "name", label: "Bot", value: (b) => b.name, lead: true, cell: (b) => <span class="stack-0"><A href={`/bots/${b.id}`}>{b.name}</A><span class="tiny muted">{b.symbol} · {b.timeframe}</span></span> },
    { id: "mode", label: "Money", value: (b) => (b.paper ? "paper" : "venue"), cell: (b) => (b.paper ? <ModeBadge mode="paper" /> : <Badge plain tone="accent">VENUE</Badge>) },
    { id: "state", label: "State", value: (b) => `${b.state} ${b.reason}`, cell: (b) => <span class="stack-0"><span><Badge tone={TONES[b.state] ?? "neutral"} pulse={b.state === "starting" || b.state === "stopping"}>{b.state}</Badge></span><Show when={b.state !== "running"}><span class="tiny muted bot-reason">{b.reason}</span></Show></span> },
    { id: "equity", label: "Equity", kind: "decimal", value: (b) => o.equityOf(b), cell: (b) => <Money value={o.equityOf(b)} /> },
    { id: "pnl", label: "P&L of this run", kind: "decimal", value: (b) => o.pnlOf(b), cell: (b) => <Money value={o.pnlOf(b)} signed /> },
    { id: "orders", label: "Orders", kind: "number", value: (b) => b.live?.open_orders ?? null, cell: (b) => <span class="num">{formatCount(b.live?.open_orders)}</span> },
  ];
  const positionColumns: Column<Schemas["TenantPosition"]>[] = [
    { id: "symbol", label: "Symbol", value: (p) => p.symbol, lead: true, cell: (p) => <span class="stack-0"><span class="strong">{p.symbol}</span><A class="tiny" href={`/bots/${p.bot_id}`}>{p.bot}</A></span> },
    { id: "qty", label: "Quantity", kind: "decimal", value: (p) => p.qty, cell: (p) => <Quantity value={p.qty} signed /> },
    { id: "avg", label: "Average", kind: "decimal", value: (p) => p.avg_price, cell: (p) => <Price value={p.avg_price} /> },
    { id: "upnl", label: "Unrealised", kind: "decimal", value: (p) => p.unrealised, cell: (p) => <Money value={p.unrealised} signed /> },
  ];
  const tradeColumns: Column<Schemas["TenantTrade"]>[] = [
    { id: "symbol", label: "Symbol", value: (t) => t.symbol, lead: true, cell: (t) => <span class="stack-0"><span class="strong">{t.symbol} <span class="muted tiny">{t.side}</span></span><A class="tiny" href={`/bots/${t.bot_id}`}>{t.bot}</A></span> },
    { id: "exit", label: "Closed", value: (t) => t.exit_ms, cell: (t) => <Time ms={t.exit_ms} /> },
    { id: "pnl", label: "P&L", kind: "decimal", value: (t) => t.pnl, cell: (t) => <Money value={t.pnl} signed /> },
  ];
  return (
    <>
      <PageHead title="Overview"><LinkButton kind="primary" icon="plus" href="/bots/new">New bot</LinkButton></PageHead>
      <Show when={o.bots.latest?.length !== 0} fallback={<FirstSteps />}>
        <Load of={o.overview} retry={() => void o.readOverview()} skeleton={<SkeletonTiles count={5} />}>
          {(v) => (
            <For each={v().currencies}>
              {(c) => (
                <div class="tiles" role="group" aria-label={`All bots, ${c.currency}`}>
                  <Stat name="Equity" note={`${formatCount(c.bots)} running, ${c.currency}`}><Money value={v().currencies.length === 1 ? o.plus(c.equity) : c.equity} /></Stat>
                  <Stat name="P&L today" note={`${formatCount(c.today_trades)} trades closed`}><Money value={v().currencies.length === 1 ? o.plus(c.today_pnl) : c.today_pnl} signed /></Stat>
                  <Stat name="P&L of runs" note="With open positions"><Money value={v().currencies.length === 1 ? o.plus(c.open_pnl) : c.open_pnl} signed /></Stat>
                  <Stat name="Closed trades" note={`${formatCount(c.trades.trades)} trades, fees ${formatNumber(Number(c.trades.fees))}`}><Money value={c.trades.pnl} signed /></Stat>
                  <Stat name="Win rate" note={c.trades.profit_factor === null ? "No losses yet" : `Profit factor ${formatNumber(c.trades.profit_factor)}`}><Percent value={c.trades.win_rate_pct} places={1} /></Stat>
                </div>
              )}
            </For>
          )}
        </Load>
        <div class="overview-top">
          <EquityPanel />
          <Panel title="Needs a look" flush><Load of={o.alerts} retry={() => void o.readAlerts()}>{(a) => <Alerts items={a()} />}</Load></Panel>
        </div>
        <Panel title="Bots at work" flush actions={<LinkButton small kind="quiet" href="/bots">All bots</LinkButton>}>
          <Load of={o.bots} retry={() => void o.readBots()} skeleton={<div class="pad"><Skeleton lines={4} /></div>}>
            {() => <Table rows={atWork()} columns={botColumns} key={(b) => b.id} label="Bots at work" pageSize={10} empty={<Empty icon="bot" title="No bot is started" text="Start one, or set up another."><LinkButton href="/bots">To the bots</LinkButton></Empty>} />}
          </Load>
        </Panel>
        <div class="cols-2">
          <Panel title="Open positions" flush>
            <Load of={o.positions} retry={() => void o.readPositions()} skeleton={<div class="pad"><Skeleton lines={4} /></div>}>
              {(rows) => <Table rows={rows()} columns={positionColumns} key={(p) => p.bot_id + p.symbol} label="Open positions" pageSize={8} empty={<Empty icon="flatten" title="No open positions" />} />}
            </Load>
          </Panel>
          <Panel title="Recent trades" flush actions={<LinkButton small kind="quiet" href="/trades">All trades</LinkButton>}>
            <Load of={o.trades} retry={() => void o.readTrades()} skeleton={<div class="pad"><Skeleton lines={4} /></div>}>
              {(rows) => <Table rows={rows()} columns={tradeColumns} key={(t) => `${t.bot_id} ${t.number}`} label="Recent trades" pageSize={8} empty={<Empty icon="trades" title="No closed trades yet" />} />}
            </Load>
          </Panel>
        </div>
      </Show>
    </>
  );
}
