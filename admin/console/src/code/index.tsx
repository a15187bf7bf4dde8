// What pages with an editor need, but for CodeMirror itself, which comes with the first editor that is shown.
import { For, lazy, Show, type JSX } from "solid-js";
import type { Problem } from "~/api/problem";
import { Icon } from "~/ui";
import type { CheckProblem } from "./check";
import "./code.css";

export { createChecker, type Check, type Checker, type CheckProblem } from "./check";
export { draftOf, keepDraft } from "./draft";
export { reference, type Reference } from "./reference";
export type { CodeHandle } from "./editor";

export const Editor = lazy(() => import("./editor").then((m) => ({ default: m.Editor })));
export const Difference = lazy(() => import("./editor").then((m) => ({ default: m.Difference })));

/** What a check found, each a click away from its place. */
export function Problems(props: { list: readonly CheckProblem[]; busy: boolean; fresh: boolean; problem: Problem | null; onGo: (p: CheckProblem) => void }): JSX.Element {
  const errors = () => props.list.filter((p) => p.severity === "error").length;
  return (
    <div class="code-problems">
      <p role="status" class="row small">
        <Show when={!props.problem} fallback={<span class="warn"><Icon name="warn" size={14} /> Not checked: {props.problem!.detail || props.problem!.title}</span>}>
          <Show when={!props.busy || props.fresh} fallback={<span class="muted"><span class="spinner" aria-hidden="true" /> Checking …</span>}>
            <Show when={errors()} fallback={<span class="up row"><Icon name="check" size={14} /> No errors found</span>}><span class="down row"><Icon name="warn" size={14} /> {errors() === 1 ? "One error" : `${errors()} errors`}</span></Show>
          </Show>
        </Show>
      </p>
      <ul>
        <For each={props.list}>
          {(p) => (
            <li>
              <button type="button" onClick={() => props.onGo(p)} disabled={p.line === null}>
                <Icon name={p.severity === "error" ? "close" : "warn"} size={14} class={p.severity === "error" ? "down" : "warn"} />
                <span class="muted num">{p.line === null ? "whole" : `${p.line}:${p.column}`}</span>
                <span class="break">{p.message}<Show when={p.hint}> <strong>{p.hint}</strong></Show></span>
              </button>
            </li>
          )}
        </For>
      </ul>
    </div>
  );
}
