// One backtest of the saved version: conditions, parameters, progress, report.
import { createSignal, Show, type JSX } from "solid-js";
import { A } from "@solidjs/router";
import { api, ok } from "~/api/client";
import { toProblem, type Problem } from "~/api/problem";
import { Button, ErrorNote, Note, Panel } from "~/ui";
import { RunProgress } from "../backtests/progress";
import { Report } from "../backtests/report";
import { marketOf } from "../backtests/result";
import { followBacktest, isOpen, resultOf } from "../backtests/run";
import { toValues, type ParamTexts } from "~/lib/params";
import type { ScriptHeader } from "./header";
import { ParamForm } from "../params/form";
import { requestOf, SetupForm, type Market, type Setup } from "./setup";

export function RunTab(props: {
  strategyId: string; version: number; header: ScriptHeader; dirty: boolean; markets: readonly Market[]; setup: Setup; onSetup: (s: Setup) => void; texts: ParamTexts; onText: (name: string, text: string) => void; running: string | null; onRun: (id: string) => void;
}): JSX.Element {
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  const run = followBacktest(() => props.running);
  const chosen = () => toValues(props.header.params, props.texts);
  const made = () => requestOf(props.strategyId, props.version, props.header, props.setup, chosen().values, props.markets);
  const missing = () => {
    const m = made();
    const [wrong] = Object.entries(chosen().errors);
    return wrong ? `${wrong[0]} must be ${wrong[1]}.` : "missing" in m ? m.missing : "";
  };
  const start = async (): Promise<void> => {
    const m = made();
    if (!("request" in m)) return;
    setBusy(true);
    setProblem(null);
    try {
      props.onRun((await ok(api.POST("/api/v1/backtests", { body: m.request }))).id);
    } catch (e) {
      setProblem(toProblem(e));
    } finally {
      setBusy(false);
    }
  };
  const result = () => resultOf(run.row());
  return (
    <div class="stack">
      <Show when={props.dirty}><Note tone="warn">What runs is version {props.version}, without what you have changed since. Save to test it.</Note></Show>
      <div class="cols-2">
        <Panel title="Conditions"><div class="stack"><SetupForm setup={props.setup} onSetup={props.onSetup} markets={props.markets} problem={problem()} header={props.header} /></div></Panel>
        <Panel title="Parameters"><div class="stack"><ParamForm specs={props.header.params} texts={props.texts} onText={props.onText} problem={problem()} pointer="/params" /></div></Panel>
      </div>
      <ErrorNote problem={problem()} what="The backtest was refused" />
      <div class="row">
        <Button kind="primary" icon="play" busy={busy()} disabled={!!missing() || isOpen(run.row()?.state)} onClick={() => void start()}>Run backtest</Button>
        <Show when={missing()}><span class="small muted">{missing()}</span></Show>
        <Show when={props.running && !isOpen(run.row()?.state)}><A class="small" href={`/backtests/${props.running}`}>This run on a page of its own</A></Show>
      </div>
      <RunProgress of={run} />
      <Show when={result()}>{(r) => <Report result={r()} venue={marketOf(run.row()!).venue} name={`backtest-${props.running}`} />}</Show>
    </div>
  );
}
