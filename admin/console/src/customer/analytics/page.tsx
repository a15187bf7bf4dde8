// What all trades come to: over time, by symbol, by strategy, by account. Sums are the service's, exact, and outlive old trades.
import { A, useSearchParams } from "@solidjs/router";
import { createMemo, For, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { formatCount, formatDate, formatDuration, formatNumber } from "~/lib/format";
import { createResource } from "~/lib/resource";
import { Empty, LinkButton, Load, ModeBadge, Money, PageHead, Panel, Percent, Skeleton, SkeletonTiles, Stat, Table, Tabs, type Column } from "~/ui";
import { FilterBar, useTradeFilter } from "../trades/filter";
import { Bars } from "./curve";
import { addUp } from "./sums";
import "../trades/trades.css";

type Item = Schemas["AnalyticsItem"];
type By = "symbol" | "strategy" | "account";
const BY: { value: By; label: string }[] = [{ value: "symbol", label: "By symbol" }, { value: "strategy", label: "By strategy" }, { value: "account", label: "By account" }];

function nameOf(by: By, i: Item): JSX.Element {
  if (by === "symbol") return <A href={`/trades?symbol=${encodeURIComponent(i.symbol ?? "")}`}>{i.symbol}</A>;
  if (by === "strategy") return <A href={`/trades?strategy_id=${i.strategy_id}`}>{i.strategy || "deleted"}</A>;
  return <span class="row"><A href={`/trades?account_id=${i.account_id}`}>{i.account || "deleted"}</A><Show when={i.paper}><ModeBadge mode="paper" /></Show></span>;
}

const columnsFor = (by: By): Column<Item>[] => [
  { id: "name", label: BY.find((b) => b.value === by)!.label.slice(3).replace(/^./, (c) => c.toUpperCase()), value: (i) => i[by] ?? "", lead: true, cell: (i) => nameOf(by, i) },
  { id: "trades", label: "Trades", kind: "number", value: (i) => i.trades, cell: (i) => formatCount(i.trades) },
  { id: "pnl", label: "P&L", kind: "decimal", value: (i) => i.pnl, cell: (i) => <Money value={i.pnl} currency={i.currency} signed /> },
  { id: "win", label: "Won", kind: "number", value: (i) => i.win_rate_pct, cell: (i) => <Percent value={i.win_rate_pct} places={1} /> },
  { id: "pf", label: "Profit factor", kind: "number", value: (i) => i.profit_factor, cell: (i) => formatNumber(i.profit_factor) },
  { id: "exp", label: "A trade on average", kind: "decimal", value: (i) => i.expectancy, cell: (i) => <Money value={i.expectancy} signed /> },
  { id: "best", label: "Best", kind: "decimal", value: (i) => i.best, cell: (i) => <Money value={i.best} signed /> },
  { id: "worst", label: "Worst", kind: "decimal", value: (i) => i.worst, cell: (i) => <Money value={i.worst} signed /> },
  { id: "fees", label: "Fees", kind: "decimal", value: (i) => i.fees, cell: (i) => <Money value={i.fees} /> },
  { id: "held", label: "Held", kind: "number", value: (i) => i.avg_held_ms, cell: (i) => formatDuration(i.avg_held_ms) },
];

export default function Analytics(): JSX.Element {
  const f = useTradeFilter();
  const [search, setSearch] = useSearchParams();
  const by = (): By => (BY.some((b) => b.value === search.by) ? (search.by as By) : "symbol");
  const query = createMemo(() => { const { result: _, ...q } = f.filter(); return q; });
  const asked = createMemo(() => ({ by: by(), query: query() }));
  const read = (what: By, q: ReturnType<typeof query>): Promise<{ items: Item[] }> =>
    what === "symbol" ? ok(api.GET("/api/v1/analytics/by-symbol", { params: { query: q } })) : what === "strategy" ? ok(api.GET("/api/v1/analytics/by-strategy", { params: { query: q } })) : ok(api.GET("/api/v1/analytics/by-account", { params: { query: q } }));
  const [items, { refetch }] = createResource(asked, async (a) => ({ by: a.by, items: (await read(a.by, a.query)).items }));
  const [days, { refetch: readDays }] = createResource(query, ({ symbol: _, ...q }) => ok(api.GET("/api/v1/analytics/by-day", { params: { query: q } })).then((l) => l.items));
  const currencies = createMemo(() => [...new Set((items.latest?.items ?? []).map((i) => i.currency))].sort());
  return (
    <>
      <PageHead title="Analytics"><LinkButton icon="trades" href="/trades">Trades</LinkButton></PageHead>
      <FilterBar of={f} fields={["bot", "strategy", "account", "symbol", "side", "time"]} />
      <Load of={items} retry={() => void refetch()} skeleton={<SkeletonTiles count={6} />}>
        {(v) => (
          <For each={currencies()}>
            {(currency) => {
              const s = () => addUp(v().items.filter((i) => i.currency === currency));
              return (
                <div class="tiles" role="group" aria-label={`All trades in ${currency}`}>
                  <Stat name="P&L" note={currency}><Money value={s().pnl} signed /></Stat>
                  <Stat name="Trades" note={<>Won <Percent value={s().winRate} places={1} /></>}>{formatCount(s().trades)}</Stat>
                  <Stat name="Profit factor" note="Won for each unit lost">{formatNumber(s().profitFactor)}</Stat>
                  <Stat name="Average trade"><Money value={s().expectancy} signed /></Stat>
                  <Stat name="Best trade"><Money value={s().best} signed /></Stat>
                  <Stat name="Worst trade"><Money value={s().worst} signed /></Stat>
                  <Stat name="Fees" note="Already in the P&L"><Money value={s().fees} /></Stat>
                </div>
              );
            }}
          </For>
        )}
      </Load>
      <Panel title="Day by day">
        <Load of={days} retry={() => void readDays()} skeleton={<Skeleton lines={5} />}>
          {(list) => (
            <Show when={list().length} fallback={<Empty icon="analytics" title="No closed trades in this time" />}>
              <div class="stack">
                <For each={[...new Set(list().map((d) => d.currency))]}>
                  {(currency) => <Bars label={`Profit of each day in ${currency}`} currency={currency} items={list().filter((d) => d.currency === currency).slice(-120).map((d) => ({ label: `${formatDate(d.day_ms)}, ${d.trades} trades`, value: d.pnl }))} />}
                </For>
                <Show when={f.text("symbol")}><p class="small muted">Days are of all symbols.</p></Show>
              </div>
            </Show>
          )}
        </Load>
      </Panel>
      <section class="panel" aria-label="Groups">
        <Tabs label="Grouped" items={BY} value={by()} onValue={(v) => setSearch({ by: v === "symbol" ? undefined : v }, { replace: true })}>
          <Load of={items} retry={() => void refetch()} skeleton={<div class="pad"><Skeleton lines={6} /></div>}>
            {(v) => <Table rows={v().items} columns={columnsFor(v().by)} key={(i) => `${i[v().by]} ${i.currency}`} label={BY.find((b) => b.value === v().by)!.label} csvName={`perigee-by-${v().by}`} sort={{ id: "pnl", desc: true }} empty={<Empty icon="analytics" title="Nothing to add up yet" text="Sums stand here once trades are closed." />} />}
          </Load>
        </Tabs>
      </section>
    </>
  );
}
