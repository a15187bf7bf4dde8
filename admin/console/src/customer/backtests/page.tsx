// One backtest: its progress, then its report.
import { A, useNavigate, useParams } from "@solidjs/router";
import { createSignal, Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { formatDateTime } from "~/lib/format";
import { createResource } from "~/lib/resource";
import { Badge, Button, LinkButton, PageHead, Skeleton, SkeletonTiles, toastProblem } from "~/ui";
import { RunProgress } from "./progress";
import { Report } from "./report";
import { marketOf } from "./result";
import { followBacktest, isOpen, paramsOf, resultOf, STATES } from "./run";

export default function BacktestPage(): JSX.Element {
  const params = useParams<{ id: string }>();
  const navigate = useNavigate();
  const run = followBacktest(() => params.id);
  const [strategy] = createResource(() => run.row()?.strategy_id, (id) => ok(api.GET("/api/v1/strategies/{strategy_id}", { params: { path: { strategy_id: id } } })).catch(() => null));
  const [again, setAgain] = createSignal(false);
  const market = () => marketOf(run.row()!);
  const repeat = async (): Promise<void> => {
    setAgain(true);
    try {
      const row = await ok(api.POST("/api/v1/backtests", { body: run.row()!.request as never }));
      navigate(`/backtests/${row.id}`);
    } catch (e) {
      toastProblem("It could not be run again", e);
    } finally {
      setAgain(false);
    }
  };
  return (
    <>
      <Show when={run.row()} fallback={<Show when={!run.problem()}><Skeleton lines={1} height={28} /><SkeletonTiles count={6} /></Show>}>
        {(row) => (
          <PageHead title={`${strategy.latest?.name ?? "Backtest"}, ${market().symbol} ${market().timeframe}`} up={{ label: "Backtests", href: "/backtests" }}>
              <Badge tone={STATES[row().state].tone} pulse={isOpen(row().state)}>{STATES[row().state].label}</Badge>
              <Show when={strategy.latest && !strategy.latest.offered}><LinkButton icon="studio" href={`/strategies/${row().strategy_id}`}>Studio</LinkButton></Show>
              <Show when={!isOpen(row().state)}><Button icon="reload" busy={again()} onClick={() => void repeat()}>Run again</Button></Show>
          </PageHead>
        )}
      </Show>
      <div class="stack">
        <Show when={run.row()}>{(row) => <p class="muted small">Version {row().version}, {paramsOf(row()) || "default parameters"}; asked for {formatDateTime(row().created_at_ms)}. <A href={`/backtests?strategy=${row().strategy_id}`}>Others of this strategy</A></p>}</Show>
        <RunProgress of={run} />
        <Show when={resultOf(run.row())}>{(result) => <Report result={result()} venue={market().venue} name={`backtest-${params.id}`} />}</Show>
      </div>
    </>
  );
}
