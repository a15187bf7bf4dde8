// Two to four backtests beside each other: their curves on one chart, their figures with the best one marked, and what was different.
import { A, useSearchParams } from "@solidjs/router";
import { createMemo, For, lazy, Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { createResource } from "~/lib/resource";
import { Badge, Empty, LinkButton, Load, Note, PageHead, Panel, SkeletonTiles } from "~/ui";
import type { ChartSeries } from "~/ui/chart";
import { figure } from "./report";
import { differences, equityOf, FIGURES, marketOf, rebased, type Result } from "./result";
import { resultOf, type BacktestRow } from "./run";
import "./backtests.css";

const Chart = lazy(() => import("~/ui/chart").then((m) => ({ default: m.Chart })));
const LETTERS = ["A", "B", "C", "D"];

interface Run {
  row: BacktestRow;
  result: Result;
  name: string;
  letter: string;
}

async function read(ids: string[]): Promise<{ runs: Run[]; without: number }> {
  const rows = await Promise.all(ids.map((id) => ok(api.GET("/api/v1/backtests/{backtest_id}", { params: { path: { backtest_id: id } } })).catch(() => null)));
  const names = new Map<string, string>();
  await Promise.all([...new Set(rows.flatMap((r) => (r ? [r.strategy_id] : [])))].map(async (id) => {
    const s = await ok(api.GET("/api/v1/strategies/{strategy_id}", { params: { path: { strategy_id: id } } })).catch(() => null);
    names.set(id, s?.name ?? "a deleted strategy");
  }));
  const there = rows.flatMap((row) => {
    const result = resultOf(row);
    return row && result ? [{ row, result }] : [];
  });
  return { runs: there.map((r, i) => ({ ...r, name: names.get(r.row.strategy_id)!, letter: LETTERS[i]! })), without: ids.length - there.length };
}

function Figures(props: { runs: readonly Run[] }): JSX.Element {
  const value = (r: Run, key: string): number => Number(r.result.stats[key] ?? NaN);
  const best = (f: (typeof FIGURES)[number]): number | null => {
    if (!f.better) return null;
    const all = props.runs.map((r) => value(r, f.key)).filter(Number.isFinite);
    if (all.length < 2 || new Set(all).size === 1) return null;
    return f.better > 0 ? Math.max(...all) : Math.min(...all);
  };
  const apart = createMemo(() => [
    { title: "Parameters", rows: differences(props.runs.map((r) => r.result.params)) },
    { title: "Conditions", rows: differences(props.runs.map((r) => ({ ...r.result.config, ...Object.fromEntries(r.result.data.map((d) => [`data ${d.stream}`, `${d.symbol} ${d.timeframe}, ${d.bars} bars`])) }))) },
    { title: "Source", rows: differences(props.runs.map((r) => ({ version: `v${r.row.version}`, sha256: r.result.script.sha256.slice(0, 12) }))) },
  ].filter((g) => g.rows.length));
  return (
    <div class="table-wrap" tabindex="0" role="region" aria-label="Figures beside each other">
      <table class="table bt-compare">
        <thead>
          <tr>
            <th scope="col"><span>Figure</span></th>
            <For each={props.runs}>{(r, i) => <th scope="col" class="bt-run right"><span><i class="bt-key" style={{ background: `var(--chart-${i() + 1})` }} /><A href={`/backtests/${r.row.id}`}>{r.letter}: {r.name} v{r.row.version}</A></span></th>}</For>
          </tr>
        </thead>
        <tbody>
          <For each={FIGURES}>
            {(f) => {
              const top = best(f);
              return (
                <tr>
                  <th scope="row" class="bt-row">{f.label}</th>
                  <For each={props.runs}>{(r) => {
                    const first = top !== null && value(r, f.key) === top;
                    return <td class="right num" classList={{ best: first }}>{figure(r.result.stats, f.key, f.kind)}<Show when={first}><span class="sr"> (best)</span></Show></td>;
                  }}</For>
                </tr>
              );
            }}
          </For>
          <For each={apart()}>
            {(group) => (
              <>
                <tr class="head"><th scope="colgroup" colSpan={props.runs.length + 1}>{group.title} that differ</th></tr>
                <For each={group.rows}>{(d) => <tr><th scope="row" class="bt-row">{d.name}</th><For each={d.values}>{(v) => <td class="right num">{v ?? "–"}</td>}</For></tr>}</For>
              </>
            )}
          </For>
        </tbody>
      </table>
    </div>
  );
}

export default function Compare(): JSX.Element {
  const [search] = useSearchParams<{ ids?: string }>();
  const ids = createMemo(() => (search.ids ?? "").split(",").filter(Boolean).slice(0, 4));
  const [found, { refetch }] = createResource(ids, read);
  const apart = (runs: readonly Run[]): boolean => new Set(runs.map((r) => `${marketOf(r.row).symbol} ${marketOf(r.row).timeframe} ${r.result.data[0]?.from} ${r.result.data[0]?.to}`)).size > 1;
  return (
    <>
      <PageHead title="Comparison" up={{ label: "Backtests", href: "/backtests" }} />
      <Load of={found} retry={() => void refetch()} skeleton={<SkeletonTiles />}>
        {(f) => (
          <Show when={f().runs.length >= 2} fallback={<Empty icon="backtest" title="Two results are needed" text="Choose two to four backtests that are done and whose results are still kept."><LinkButton kind="primary" href="/backtests">Choose</LinkButton></Empty>}>
            <div class="stack">
              <Show when={f().without}><Note tone="warn">{f().without} of them {f().without > 1 ? "have no result" : "has no result"} any more and {f().without > 1 ? "are" : "is"} left out.</Note></Show>
              <Show when={apart(f().runs)}><Note tone="warn" title="Not the same market or time">Their figures are not comparable line by line: look at the conditions below.</Note></Show>
              <Panel title="Equity, percent of the start" flush>
                <Chart height={420} fit label={`Equity curves of ${f().runs.map((r) => `${r.letter} ${r.name}`).join(", ")}, in percent of the start`} series={f().runs.map((r, i): ChartSeries => ({ id: r.letter, title: `${r.letter}: ${r.name} v${r.row.version}`, kind: "line", color: `--chart-${i + 1}`, data: rebased(equityOf(r.result)), places: 2 }))} />
              </Panel>
              <Panel title="Figures" flush actions={<Badge tone="good" plain>best of its line</Badge>}><Figures runs={f().runs} /></Panel>
            </div>
          </Show>
        )}
      </Load>
    </>
  );
}
