// Which parameters vary, and between which values: the same for a comparison in the studio and for a search. The page owns the texts.
import { For, Show, type JSX } from "solid-js";
import type { Problem } from "~/api/problem";
import { formatCount } from "~/lib/format";
import type { ParamSpec } from "~/lib/params";
import { Checkbox, Panel, TextField } from "~/ui";
import type { Axes } from "./grid";
import "./backtests.css";

export type Varied = Readonly<Record<string, string>>;

/** To begin with: two that the script marks as worth varying, else its first two. */
export function firstVaried(params: readonly ParamSpec[], suggest: (p: ParamSpec) => string): Varied {
  const marked = params.filter((p) => p.opt);
  return Object.fromEntries((marked.length ? marked : params).slice(0, 2).map((p) => [p.name, suggest(p)]));
}

export function VaryPanel(props: {
  params: readonly ParamSpec[];
  texts: Varied;
  onTexts: (texts: Varied) => void;
  axes: Axes;
  max: number; // so many at once
  suggest: (p: ParamSpec) => string;
  problem?: Problem | null;
  /** Below them: the parameters that stay as they are. */
  children?: JSX.Element;
}): JSX.Element {
  const names = () => Object.keys(props.texts);
  const counted = (name: string): string | undefined => {
    const axis = props.axes.axes.find((a) => a.name === name);
    return axis && `${formatCount(axis.values.length)} ${axis.values.length === 1 ? "value" : "values"}. From..to:step, or a list`;
  };
  const pick = (p: ParamSpec, on: boolean): void => props.onTexts(on ? { ...props.texts, [p.name]: props.suggest(p) } : Object.fromEntries(Object.entries(props.texts).filter(([name]) => name !== p.name)));
  return (
    <Panel title="Parameters to vary">
      <Show when={props.params.length} fallback={<p class="muted">This script has no parameters.</p>}>
        <div class="stack">
          <div class="vary-picks">
            <For each={props.params}>
              {(p) => <Checkbox label={<>{p.label ?? p.name} <code class="small muted">{p.name}</code></>} checked={p.name in props.texts} disabled={!(p.name in props.texts) && names().length >= props.max} onChecked={(on) => pick(p, on)} />}
            </For>
          </div>
          <For each={names()}>
            {(name) => <TextField label={`Values of ${name}`} value={props.texts[name] ?? ""} onValue={(v) => props.onTexts({ ...props.texts, [name]: v })} error={props.axes.errors[name]} problem={props.problem} pointer={`/ranges/${name}`} hint={counted(name)} />}
          </For>
          {props.children}
        </div>
      </Show>
    </Panel>
  );
}
