// All bots: state and reason, figures as they change. Each bot's channel is followed; the service allows a page 512, so of more
// bots the others are read again every ten seconds.
import { A } from "@solidjs/router";
import { createEffect, createMemo, createSignal, on, onCleanup, Show, type JSX } from "solid-js";
import { createStore, produce, reconcile } from "solid-js/store";
import { all, api, ok } from "~/api/client";
import { subscribe, type LiveEvent } from "~/api/live";
import { add, decimal, parse, sub, toText } from "~/lib/decimal";
import { createResource } from "~/lib/resource";
import { Button, Empty, LinkButton, Load, ModeBadge, Money, PageHead, Panel, Quantity, Segmented, StateBadge, Table, toastProblem, type Column } from "~/ui";
import { canStart, isOn, needsCare, STATES, type Bot } from "./state";
import "./bots.css";

const FOLLOWED = 500;
const PAGE = 25; // a screenful: what is not seen is kept up to date, too, but not drawn

const shifted = (text: string, from: string, to: string): string => {
  const [t, f, n] = [parse(text), parse(from), parse(to)];
  return t && f && n ? toText(add(t, sub(n, f))) : text;
};

/** An event of a bot's channel, into its row. */
export function applyToBot(bot: Bot, e: LiveEvent): void {
  const data = e.data as Record<string, unknown>;
  if (e.type === "status") Object.assign(bot, { state: data.state, reason_code: data.reason_code ?? bot.reason_code, reason: data.reason ?? bot.reason });
  const live = bot.live;
  if (!live) return;
  if (e.type === "equity") {
    live.pnl = shifted(live.pnl, live.equity, String(data.equity));
    live.equity = String(data.equity);
    live.balance = String(data.balance);
    live.instant_ms = Number(data.time);
  } else if (e.type === "fill") {
    live.fills = (live.fills ?? 0) + 1;
    const rest = live.positions.filter((p) => p.symbol !== data.symbol), qty = decimal(String(data.position ?? "0"));
    const before = live.positions.find((p) => p.symbol === data.symbol);
    live.positions = qty.units === 0n ? rest : [...rest, { symbol: String(data.symbol), qty: String(data.position), avg_price: String(data.position_avg ?? before?.avg_price ?? "0"), unrealised: before?.unrealised ?? "0" }];
  } else if (e.type === "order" && (data.from === "new" || data.from === "sent") && data.status === "open") live.open_orders++;
  else if (e.type === "order" && data.from !== "new" && ["filled", "canceled", "expired", "rejected"].includes(String(data.status))) live.open_orders = Math.max(0, live.open_orders - 1);
}

type Filter = "all" | "on" | "care" | "off";
const FILTERS: readonly { value: Filter; label: string; has: (b: Bot) => boolean }[] = [
  { value: "all", label: "All", has: () => true },
  { value: "on", label: "On", has: isOn },
  { value: "care", label: "Needs care", has: (b) => needsCare(b.state) },
  { value: "off", label: "Off", has: (b) => !isOn(b) },
];

export default function Bots(): JSX.Element {
  const [rows, setRows] = createStore<{ list: Bot[] }>({ list: [] });
  const [filter, setFilter] = createSignal<Filter>("all");
  const [loaded, { refetch }] = createResource(async () => {
    const list = await all((cursor) => ok(api.GET("/api/v1/bots", { params: { query: { limit: 200, cursor } } })));
    setRows("list", reconcile(list, { key: "id" }));
    return true;
  });
  const again = (): void => void refetch();

  // Follow what is there; ids change only when bots come and go.
  const ids = createMemo(() => rows.list.slice(0, FOLLOWED).map((b) => b.id).join(" "));
  let waiting: ReturnType<typeof setTimeout> | undefined;
  createEffect(on(ids, (text) => {
    const soon = (): void => {
      clearTimeout(waiting);
      waiting = setTimeout(again, 400);
    };
    // Rows are reached by their place, which is the name's in the list: to look for them would cost as many steps as there are bots, for each.
    const ends = text.split(" ").filter(Boolean).map((id, i) => subscribe(`bot:${id}`, {
      reload: soon, // of all at once, at first
      events: (events) => {
        if (rows.list[i]?.id === id) setRows("list", i, produce((b) => events.forEach((e) => applyToBot(b, e))));
        // What a state's change brings besides – positions, its run – is read once it is calm.
        if (events.some((e) => e.type === "status" || e.type === "reload")) soon();
      },
    }));
    onCleanup(() => ends.forEach((end) => end()));
  }));
  const timer = setInterval(() => !document.hidden && again(), 10_000);
  onCleanup(() => {
    clearInterval(timer);
    clearTimeout(waiting);
  });

  const shown = createMemo(() => rows.list.filter(FILTERS.find((f) => f.value === filter())!.has));
  const total = createMemo(() => toText(rows.list.reduce((sum, b) => (b.live ? add(sum, decimal(b.live.pnl)) : sum), decimal("0"))));
  const act = async (b: Bot, what: "start" | "pause"): Promise<void> => {
    try {
      const changed = await ok(api.POST(what === "start" ? "/api/v1/bots/{bot_id}/start" : "/api/v1/bots/{bot_id}/pause", { params: { path: { bot_id: b.id } } }));
      setRows("list", (x) => x.id === b.id, reconcile(changed, { key: "id" }));
    } catch (e) {
      toastProblem(`${b.name}: ${what} failed`, e);
    }
  };

  const columns: readonly Column<Bot>[] = [
    { id: "name", label: "Bot", value: (b) => b.name, lead: true, cell: (b) => <div class="bot-name"><A class="strong" href={`/bots/${b.id}`}>{b.name}</A></div> },
    { id: "market", label: "Market", value: (b) => `${b.symbol} ${b.timeframe} ${b.venue ?? ""}`, cell: (b) => <>{b.symbol} <span class="muted small nowrap">{b.timeframe} · {b.venue}</span></> },
    { id: "mode", label: "Money", value: (b) => (b.paper ? "paper" : "live"), cell: (b) => <ModeBadge mode={b.paper ? "paper" : "live"} /> },
    { id: "state", label: "State", value: (b) => `${STATES[b.state].label} ${b.reason}`, cell: (b) => <div classList={{ "bot-state": b.state !== "running" }}><StateBadge state={STATES[b.state].label} tone={STATES[b.state].tone} pulse={STATES[b.state].pulse} reason={b.state === "running" ? null : b.reason} /></div> },
    { id: "equity", label: "Equity", kind: "decimal", value: (b) => b.live?.equity, cell: (b) => <Money value={b.live?.equity} /> },
    { id: "pnl", label: "P&L of the run", kind: "decimal", value: (b) => b.live?.pnl, cell: (b) => <Money value={b.live?.pnl} signed /> },
    { id: "position", label: "Position", kind: "decimal", value: (b) => b.live?.positions[0]?.qty, cell: (b) => <Show when={b.live?.positions[0]} fallback={<span class="muted">flat</span>}>{(p) => <Quantity value={p().qty} signed />}</Show> },
    { id: "orders", label: "Open orders", kind: "number", value: (b) => b.live?.open_orders },
    { id: "act", label: "Actions", bare: true, right: true, value: () => "", cell: (b) => (
      <Show when={isOn(b)} fallback={<Button small kind="quiet" icon="play" iconOnly disabled={!canStart(b)} onClick={() => void act(b, "start")}>Start {b.name}</Button>}>
        <Button small kind="quiet" icon="pause" iconOnly onClick={() => void act(b, "pause")}>Pause {b.name}</Button>
      </Show>
    ) },
  ];

  return (
    <>
      <PageHead title="Bots">
        <LinkButton kind="primary" icon="plus" href="/bots/new">New bot</LinkButton>
      </PageHead>
      <Load of={loaded} retry={again}>
        {() => (
          <Show when={rows.list.length} fallback={<Panel><Empty icon="bot" title="No bots yet" text="A bot runs one strategy on one account. Begin on paper: nothing is at risk."><LinkButton kind="primary" icon="plus" href="/bots/new">Set up a bot</LinkButton></Empty></Panel>}>
            <Panel flush label="Bots">
              <Table
                label="Bots" rows={shown()} columns={columns} key={(b) => b.id} search="Search bots" csvName="bots" pageSize={PAGE}
                tools={<><Segmented label="Which" items={FILTERS.map((f) => ({ value: f.value, label: f.value === "care" ? `${f.label} ${rows.list.filter(f.has).length || ""}`.trim() : f.label }))} value={filter()} onValue={setFilter} /><span class="small muted">Together <Money value={total()} signed /></span></>}
                empty={<Empty icon="bot" title={filter() === "care" ? "All is well" : "None of these"} text={filter() === "care" ? "No bot waits for somebody to look at it." : "Choose All to see the others."} />}
              />
            </Panel>
          </Show>
        )}
      </Load>
    </>
  );
}

