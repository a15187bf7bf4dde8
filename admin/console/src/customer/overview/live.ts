// What the overview knows, kept true: snapshots over HTTP, changes over the socket. Bots tell their equity in their own channels; the channel
// of all orders says when positions and trades are to be read anew.
import { createEffect, createMemo, on, onCleanup } from "solid-js";
import { createStore, reconcile } from "solid-js/store";
import { api, all, ok, type Schemas } from "~/api/client";
import { subscribe, type LiveEvent } from "~/api/live";
import { add, parse, sub, toText, ZERO, type Decimal } from "~/lib/decimal";
import { createResource } from "~/lib/resource";
import { every, throttled } from "~/lib/throttle";

export type Bot = Schemas["Bot"];
const WATCHED = 100; // bots whose channels are heard; the others are read again now and then

const amount = (text: string | undefined): Decimal => parse(text) ?? ZERO;

export function useOverview() {
  const [overview, { refetch: readOverview }] = createResource(() => ok(api.GET("/api/v1/analytics/overview")));
  const [bots, { refetch: readBots }] = createResource(() => all((cursor) => ok(api.GET("/api/v1/bots", { params: { query: { limit: 200, cursor } } })), 1000));
  const [positions, { refetch: readPositions }] = createResource(() => ok(api.GET("/api/v1/positions")).then((l) => l.items));
  const [trades, { refetch: readTrades }] = createResource(() => ok(api.GET("/api/v1/trades", { params: { query: { limit: 12 } } })).then((l) => l.items));
  const [alerts, { refetch: readAlerts }] = createResource(() => ok(api.GET("/api/v1/alerts", { params: { query: { limit: 30 } } })).then((l) => l.items));
  // Equity as the channels tell it, by bot; what a newer snapshot says takes its place.
  const [told, setTold] = createStore<Record<string, string>>({});

  const again = throttled(() => void readOverview(), 4000);
  const traded = throttled(() => { void readPositions(); void readTrades(); again(); }, 1500);
  const changed = throttled(() => { void readBots(); void readAlerts(); again(); }, 1500);
  const warned = throttled(() => void readAlerts(), 3000);
  createEffect(on(() => bots.latest, () => setTold(reconcile({})), { defer: true }));

  const hear = (bot: string, events: LiveEvent[]): void => {
    let equity: string | undefined;
    for (const e of events) {
      if (e.type === "equity") equity = (e.data as { equity: string }).equity;
      else if (e.type === "status" || e.type === "reload") changed();
      else if (e.type === "denied" || e.type === "intervened" || e.type === "fault" || (e.type === "log" && ["warn", "error"].includes((e.data as { level: string }).level))) warned();
    }
    if (equity !== undefined) setTold(bot, equity);
  };

  const watched = createMemo(() => (bots.latest ?? []).filter((b) => b.wanted !== "stopped" || b.state !== "stopped").slice(0, WATCHED).map((b) => b.id).join(" "));
  createEffect(() => {
    const ends = watched().split(" ").filter(Boolean).map((id) => subscribe(`bot:${id}`, { events: (e) => hear(id, e) }));
    onCleanup(() => ends.forEach((end) => end()));
  });
  onCleanup(subscribe("orders", { events: traded, reload: traded }));
  every(20_000, () => { void readBots(); void readPositions(); void readAlerts(); again(); });

  /** A bot's equity now. */
  const equityOf = (b: Bot): string | undefined => told[b.id] ?? b.live?.equity;
  /** What its run has won or lost now. */
  const pnlOf = (b: Bot): string | undefined => (b.live && told[b.id] !== undefined ? toText(add(amount(b.live.pnl), sub(amount(told[b.id]), amount(b.live.equity)))) : b.live?.pnl);
  /** By how much the equity of all that run has moved since the overview was read. */
  const moved = createMemo(() => {
    let d = ZERO;
    for (const b of bots.latest ?? []) {
      const now = told[b.id];
      if (now !== undefined && b.live) d = add(d, sub(amount(now), amount(b.live.equity)));
    }
    return d;
  });
  const plus = (text: string | undefined): string => toText(add(amount(text), moved()));

  return { overview, bots, positions, trades, alerts, equityOf, pnlOf, plus, readOverview, readBots, readPositions, readTrades, readAlerts };
}
