// All backtests: what was run, on what, and what came out; two to four of them can be laid beside each other.
import { A, useNavigate, useSearchParams } from "@solidjs/router";
import { createMemo, createSignal, onCleanup, Show, type JSX } from "solid-js";
import { all, api, ok } from "~/api/client";
import { DASH, formatCount, formatDecimal } from "~/lib/format";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Button, ConfirmDialog, Empty, LinkButton, Load, PageHead, Panel, Percent, Select, Skeleton, Table, type Column } from "~/ui";
import { marketOf } from "./result";
import { isOpen, paramsOf, STATES, type BacktestRow } from "./run";
import "./backtests.css";

const MOST = 500, BESIDE = 4, AGAIN_MS = 1500;

export default function BacktestList(): JSX.Element {
  const [search, setSearch] = useSearchParams<{ strategy?: string }>();
  const navigate = useNavigate();
  const [strategies] = createResource(() => all((cursor) => ok(api.GET("/api/v1/strategies", { params: { query: { limit: 200, cursor } } }))));
  const [offers] = createResource(() => ok(api.GET("/api/v1/strategies/offered")).then((l) => l.items));
  const names = createMemo(() => new Map([...(offers.latest ?? []), ...(strategies.latest ?? [])].map((s) => [s.id, s.name])));
  const [rows, { refetch }] = createResource(
    () => ({ strategy: search.strategy ?? "" }),
    ({ strategy }) => all((cursor) => ok(api.GET("/api/v1/backtests", { params: { query: { limit: 100, cursor, ...(strategy ? { strategy_id: strategy } : {}) } } })), MOST),
  );
  const timer = setInterval(() => rows.latest?.some((r) => isOpen(r.state)) && !document.hidden && void refetch(), AGAIN_MS);
  onCleanup(() => clearInterval(timer));
  const [picked, setPicked] = createSignal<readonly string[]>([]);
  const [forgetting, setForgetting] = createSignal<BacktestRow | null>(null);
  const pick = (id: string, on: boolean): void => void setPicked((list) => (on ? [...list.filter((x) => x !== id), id].slice(-BESIDE) : list.filter((x) => x !== id)));
  const s = (r: BacktestRow, key: string): number | null => (typeof r.summary?.[key] === "number" ? (r.summary[key] as number) : null);

  const columns: Column<BacktestRow>[] = [
    { id: "pick", label: "Compare", value: () => "", bare: true, cell: (r) => <Show when={r.state === "done"}><label class="bt-pick"><input type="checkbox" checked={picked().includes(r.id)} onChange={(e) => pick(r.id, e.currentTarget.checked)} /><span class="sr">Compare {names().get(r.strategy_id) ?? r.id}</span></label></Show> },
    { id: "strategy", label: "Strategy", lead: true, value: (r) => names().get(r.strategy_id) ?? r.strategy_id, cell: (r) => <A href={`/backtests/${r.id}`}>{names().get(r.strategy_id) ?? "a deleted strategy"} <span class="muted small">v{r.version}</span></A> },
    { id: "market", label: "Market", value: (r) => `${marketOf(r).symbol} ${marketOf(r).timeframe}`, cell: (r) => <span class="nowrap">{marketOf(r).symbol} <span class="muted">{marketOf(r).timeframe}</span></span> },
    { id: "params", label: "Parameters", value: paramsOf, cell: (r) => <span class="small muted">{paramsOf(r) || "defaults"}</span> },
    { id: "state", label: "State", value: (r) => r.state, cell: (r) => <Badge tone={STATES[r.state].tone} pulse={r.state === "running"} title={r.error ?? undefined}>{r.state === "running" ? `${Math.round(r.progress * 100)} %` : STATES[r.state].label}</Badge> },
    { id: "return", label: "Return", value: (r) => s(r, "return_pct"), kind: "number", cell: (r) => <Percent value={s(r, "return_pct")} signed /> },
    { id: "drawdown", label: "Drawdown", value: (r) => s(r, "max_drawdown_pct"), kind: "number", cell: (r) => <Percent value={s(r, "max_drawdown_pct")} /> },
    { id: "sharpe", label: "Sharpe", value: (r) => s(r, "sharpe"), kind: "number", cell: (r) => <>{s(r, "sharpe") === null ? DASH : formatDecimal(s(r, "sharpe")!.toFixed(2), { min: 2 })}</> },
    { id: "trades", label: "Trades", value: (r) => s(r, "trades"), kind: "number", cell: (r) => <>{formatCount(s(r, "trades"))}</> },
    { id: "when", label: "When", value: (r) => r.created_at_ms, kind: "number", cell: (r) => <Ago ms={r.created_at_ms} /> },
    { id: "end", label: "", value: () => "", bare: true, cell: (r) => <Button small kind="quiet" icon={isOpen(r.state) ? "square" : "trash"} iconOnly onClick={() => setForgetting(r)}>{isOpen(r.state) ? "Cancel" : "Forget"}</Button> },
  ];

  return (
    <>
      <PageHead title="Backtests">
          <LinkButton href={`/backtests/optimise${search.strategy ? `?strategy=${search.strategy}` : ""}`} icon="search">Optimise</LinkButton>
          <LinkButton kind="primary" href="/strategies" icon="studio">Run one</LinkButton>
      </PageHead>
      <Panel flush label="Backtests">
        <Load of={rows} retry={() => void refetch()} what="The backtests cannot be listed" skeleton={<div class="bt-pad"><Skeleton lines={6} height={22} /></div>}>
          {(list) => (
            <Table rows={list()} columns={columns} key={(r) => r.id} label="Backtests" pageSize={25} search csvName="backtests" selected={(r) => picked().includes(r.id)}
              tools={<><div class="bt-filter"><Select label="Strategy" hideLabel value={search.strategy ?? ""} onValue={(v) => setSearch({ strategy: v || undefined })} options={[{ value: "", label: "All strategies" }, ...(strategies.latest ?? []).map((x) => ({ value: x.id, label: x.name }))]} /></div><Button small icon="swap" disabled={picked().length < 2} onClick={() => navigate(`/backtests/compare?ids=${picked().join(",")}`)}>Compare {picked().length || ""}</Button></>}
              empty={<Empty icon="backtest" title="No backtests yet" text="A backtest runs a strategy over stored history, with costs, and says how far its result can be believed."><LinkButton kind="primary" href="/strategies">Choose a strategy</LinkButton></Empty>} />
          )}
        </Load>
      </Panel>
      <p class="small muted">Choose two to four that are done to see them beside each other. Of all your backtests the newest 200 results are kept; figures stay.</p>
      <Show when={forgetting()}>
        {(r) => (
          <ConfirmDialog danger title={isOpen(r().state) ? "Cancel this backtest?" : "Forget this backtest?"} confirm={isOpen(r().state) ? "Cancel it" : "Forget it"} onClose={() => setForgetting(null)}
            action={async () => {
              await ok(api.DELETE("/api/v1/backtests/{backtest_id}", { params: { path: { backtest_id: r().id } } }));
              pick(r().id, false);
              await refetch();
            }}>
            <p>{isOpen(r().state) ? "It ends now, and nothing is kept of what it has done." : "Its result goes. The strategy and its versions stay; the same request would give the same result again."}</p>
          </ConfirmDialog>
        )}
      </Show>
    </>
  );
}
