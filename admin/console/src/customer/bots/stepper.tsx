// A decision's steps over the script's text: which lines ran, the values that each brought, and the variables at any step.
import { createEffect, createMemo, createSignal, For, on, Show, type JSX } from "solid-js";
import { Button } from "~/ui";
import { askingStep, excerpt, moments, valuesByLine, type Explanation } from "./trace";

export function Stepper(props: { trace: Explanation["trace"]; source: string | null; cut?: boolean; tag?: string | null }): JSX.Element {
  const steps = createMemo(() => moments(props.trace));
  const [at, setAt] = createSignal(props.trace.length - 1);
  // The text comes later than the steps: then it begins where the order was asked for.
  createEffect(on(() => props.source, (source) => {
    const asked = askingStep(steps(), source, props.tag);
    if (asked >= 0) setAt(asked);
  }));
  const [whole, setWhole] = createSignal(false);
  const now = () => steps()[Math.min(at(), steps().length - 1)]!;
  const ran = createMemo(() => new Set(steps().map((s) => s.line)));
  const values = createMemo(() => valuesByLine(steps().slice(0, at() + 2)));
  const lines = createMemo(() => (props.source ? excerpt(props.source, ran(), whole() ? Infinity : 2) : []));
  let box: HTMLDivElement | undefined;
  createEffect(() => {
    const line = now().line;
    lines();
    const row = box?.querySelector<HTMLElement>(`[data-line="${line}"]`);
    if (row && box && (row.offsetTop < box.scrollTop + 20 || row.offsetTop > box.scrollTop + box.clientHeight - 40)) box.scrollTop = row.offsetTop - box.clientHeight / 2;
  });
  const move = (by: number): void => void setAt((i) => Math.max(0, Math.min(steps().length - 1, i + by)));
  return (
    <div class="stepper">
      <div class="bar">
        <Button small kind="quiet" icon="left" iconOnly disabled={at() === 0} onClick={() => move(-1)}>Step back</Button>
        <input type="range" min={0} max={steps().length - 1} value={at()} aria-label="Step" aria-valuetext={`step ${at() + 1} of ${steps().length}, line ${now().line}`} onInput={(e) => setAt(Number(e.currentTarget.value))} />
        <Button small kind="quiet" icon="right" iconOnly disabled={at() >= steps().length - 1} onClick={() => move(1)}>Step on</Button>
        <span class="small num nowrap">{at() + 1} / {steps().length}{props.cut ? "+" : ""}</span>
        <Show when={props.source}><Button small kind="quiet" onClick={() => setWhole(!whole())}>{whole() ? "What ran" : "Whole script"}</Button></Show>
      </div>
      <div ref={box} class="source" tabindex="0" role="region" aria-label="The script, with the lines that ran">
        <Show when={props.source} fallback={<For each={steps()}>{(s, i) => <div class="line run" classList={{ now: i() === at() }} data-line={s.line}><span class="no">{s.line}</span>{[...s.changed].map((n) => `${n} = ${s.vars.get(n)}`).join(", ")}</div>}</For>}>
          <For each={lines()}>
            {(l) => (
              <Show when={l} fallback={<div class="cut">⋯</div>}>
                {(line) => (
                  <div class="line" classList={{ run: line().run, now: now().line === line().number }} data-line={line().number}>
                    <span class="no">{line().number}</span><span>{line().text || " "}</span>
                    <Show when={values().get(line().number)}>{(v) => <span class="values">{v().map(([n, x]) => `${n} = ${short(x)}`).join(", ")}</span>}</Show>
                  </div>
                )}
              </Show>
            )}
          </For>
        </Show>
      </div>
      <div class="vars" tabindex="0" role="region" aria-label="Variables before this line">
        <Show when={now().vars.size} fallback={<p class="muted small">No variables yet.</p>}>
          <For each={[...now().vars]}>{([name, value]) => <div classList={{ changed: now().changed.has(name) }}><span class="muted">{name}</span><span>{short(value)}</span></div>}</For>
        </Show>
      </div>
    </div>
  );
}

// Doubles have more digits than anybody reads.
function short(text: string): string {
  return /^-?\d+\.\d{9,}(e[+-]?\d+)?$/.test(text) ? String(Number(Number(text).toPrecision(9))) : text;
}
