// One bot: what it does, why, and everything that can be done to it.
import { useParams } from "@solidjs/router";
import { Match, Show, Switch, type JSX } from "solid-js";
import { formatDate, formatDecimal, formatTime } from "~/lib/format";
import { Ago, Badge, Load, ModeBadge, Money, Note, PageHead, Panel, Percent, SkeletonTiles, Stat, Tabs } from "~/ui";
import { createQuery } from "~/ui/routing";
import { BotActions } from "./actions";
import { createBot, type BotData, type Tab } from "./data";
import { PriceChart } from "./price-chart";
import { Setup } from "./setup";
import { needsCare, STATES } from "./state";
import { Decisions, Logs, Orders, Stats, Trades } from "./tables";
import { WhatIf } from "./whatif";
import { Why } from "./why";
import "./bots.css";

const TABS: readonly { value: Tab; label: string }[] = [
  { value: "orders", label: "Orders" }, { value: "trades", label: "Trades" }, { value: "decisions", label: "Decisions" }, { value: "logs", label: "Log" }, { value: "stats", label: "Statistics" }, { value: "setup", label: "Parameters, limits, version" }, { value: "whatif", label: "What if" },
];

function Figures(props: { data: BotData }): JSX.Element {
  const live = () => props.data.bot().live;
  const position = () => live()?.positions[0];
  return (
    <div class="tiles">
      <Stat name="Equity" note={<>balance <Money value={live()?.balance} /></>}><Money value={live()?.equity} /></Stat>
      <Stat name="P&L of this run" note={<Show when={live()}>run {live()!.run}</Show>}><Money value={live()?.pnl} signed /></Stat>
      <Stat name="Position" note={<Show when={position()}>{(p) => <>at {formatDecimal(p().avg_price)} · <Money value={p().unrealised} signed /></>}</Show>}>
        <Show when={position()} fallback="flat">{(p) => <span class={p().qty.startsWith("-") ? "down" : "up"}>{formatDecimal(p().qty, { signed: true })}</span>}</Show>
      </Stat>
      <Stat name="Open orders" note={live() ? `${live()!.intents ?? 0} asked for, ${live()!.denials ?? 0} denied` : undefined}>{live()?.open_orders ?? "–"}</Stat>
      <Stat name="Won trades" note={<Show when={props.data.stats.latest}>{(s) => <>{s().wins} of {s().trades}</>}</Show>}><Percent value={props.data.stats.latest?.win_rate_pct} places={1} /></Stat>
      <Stat name="Last bar" note={live()?.instant_ms ? `${formatDate(live()!.instant_ms)}, its market's time` : undefined}>{formatTime(live()?.instant_ms)}</Stat>
    </div>
  );
}

function Shown(props: { data: BotData; tab: Tab; onTab: (tab: string) => void }): JSX.Element {
  const d = props.data;
  const [asked, why] = createQuery("why");
  const tab = (): Tab => props.tab;
  const state = () => STATES[d.bot().state];
  d.followMarket();
  return (
    <>
      <PageHead title={d.bot().name} up={{ href: "/bots", label: "Bots" }} heading={
        <>{d.bot().name} <ModeBadge mode={d.bot().paper ? "paper" : "live"} /><Badge tone={state().tone} pulse={state().pulse}>{state().label}</Badge></>
      }>
        <BotActions data={d} />
      </PageHead>
      <div class="bot-head small muted">
        <span class="strong">{d.bot().symbol}</span><span>{d.bot().timeframe} on {d.bot().venue}</span><Show when={d.header()?.name || d.bot().live?.version}><span>{[d.header()?.name, d.bot().live?.version && `version ${d.bot().live!.version}`].filter(Boolean).join(", ")}</span></Show>
        <span class="bot-reason"><Show when={!needsCare(d.bot().state)}>{d.bot().reason} </Show><Show when={d.bot().since_ms}>Since <Ago ms={d.bot().since_ms} />.</Show></span>
      </div>
      <Show when={needsCare(d.bot().state)}><Note tone={d.bot().state === "retrying" ? "warn" : "bad"} title={state().label}><p class="break pre-line">{d.bot().reason}</p><Show when={d.bot().retry_at_ms}><p>It tries again <Ago ms={d.bot().retry_at_ms} />.</p></Show></Note></Show>
      <Figures data={d} />
      <Panel flush label="Chart"><PriceChart data={d} onWhy={why} /></Panel>
      <Panel flush label="Details">
        <Tabs label="Of this bot" items={TABS.map((t) => (t.value === "decisions" && d.denials.items().length ? { ...t, label: `Decisions · ${d.denials.items().length}${d.denials.more() ? "+" : ""} denied` } : t))} value={tab()} onValue={props.onTab}>
          <Switch>
            <Match when={tab() === "orders"}><Orders data={d} onWhy={why} /></Match>
            <Match when={tab() === "trades"}><Trades data={d} onWhy={why} /></Match>
            <Match when={tab() === "decisions"}><Decisions data={d} onWhy={why} /></Match>
            <Match when={tab() === "logs"}><Logs data={d} /></Match>
            <Match when={tab() === "stats"}><Stats data={d} /></Match>
            <Match when={tab() === "setup"}><Setup data={d} /></Match>
            <Match when={tab() === "whatif"}><WhatIf data={d} /></Match>
          </Switch>
        </Tabs>
      </Panel>
      <Show when={asked()} keyed>{(ref) => <Why data={d} of={ref} onClose={() => why(undefined)} />}</Show>
    </>
  );
}

function OneBot(props: { id: string }): JSX.Element {
  const [chosen, setTab] = createQuery("tab");
  const tab = (): Tab => TABS.find((t) => t.value === chosen())?.value ?? "orders";
  const data = createBot(props.id, tab);
  return <Load of={data.loaded} retry={data.refresh} what="This bot cannot be shown" skeleton={<SkeletonTiles count={6} />}>{() => <Shown data={data} tab={tab()} onTab={setTab} />}</Load>;
}

export default function BotPage(): JSX.Element {
  const params = useParams<{ id: string }>();
  return <Show when={params.id} keyed>{(id) => <OneBot id={id} />}</Show>;
}
