// A backtest that waits or runs: how far, and an end to it.
import { createSignal, Show, type JSX } from "solid-js";
import { Button, ErrorNote, Note, toastProblem } from "~/ui";
import { isOpen, type Following } from "./run";
import "./backtests.css";

export function RunProgress(props: { of: Following; what?: string }): JSX.Element {
  const [ending, setEnding] = createSignal(false);
  const row = () => props.of.row();
  const percent = () => Math.round(props.of.progress() * 100);
  const cancel = async (): Promise<void> => {
    setEnding(true);
    try {
      await props.of.cancel();
    } catch (e) {
      toastProblem("It could not be cancelled", e);
    } finally {
      setEnding(false);
    }
  };
  return (
    <>
      <ErrorNote problem={props.of.problem()} what={`The ${props.what ?? "backtest"} cannot be shown`} onRetry={props.of.reload} />
      <Show when={isOpen(row()?.state)}>
        <div class="bt-running">
          <div class="row-between">
            <span role="status">{row()!.state === "queued" ? "Waiting for its turn" : `Running: ${percent()} %`}</span>
            <Button small icon="square" busy={ending()} onClick={() => void cancel()}>Cancel</Button>
          </div>
          <div class="bt-bar" role="progressbar" aria-label={props.what === "search" ? "Search" : "Backtest"} aria-valuemin="0" aria-valuemax="100" aria-valuenow={percent()}><i style={{ width: `${percent()}%` }} /></div>
        </div>
      </Show>
      <Show when={row()?.state === "failed"}><Note tone="bad" title={props.what === "search" ? "The search failed" : "The run failed"} role="alert"><pre class="mono bt-error">{row()!.error}</pre></Note></Show>
      <Show when={row()?.state === "cancelled"}><Note title="Cancelled">It was ended before it was done; nothing is kept of it.</Note></Show>
      <Show when={row()?.state === "done" && !row()!.result}><Note title="The result is gone">Of a tenant's backtests the newest 200 results are kept. Run it again: the same request gives the same result.</Note></Show>
    </>
  );
}
