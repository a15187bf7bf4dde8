// What several pages of signals show alike.
import { For, Show, type JSX } from "solid-js";
import { formatNumber } from "~/lib/format";
import { Badge, Button, toast } from "~/ui";
import { ratesOf, saidWords, STATES, type Said, type State } from "./model";
import "./signals.css";

export function Verdict(props: { state: State }): JSX.Element {
  return <Badge tone={STATES[props.state].tone} pulse={props.state === "accepted"} title={STATES[props.state].about}>{STATES[props.state].label}</Badge>;
}

/** How many passed and how many did not: a bar, and the same in words. */
export function Rates(props: { list: readonly { state: State }[] }): JSX.Element {
  const r = () => ratesOf(props.list);
  const share = (n: number): string => `${(100 * n) / Math.max(1, r().total)}%`;
  const words = () => [`${r().passed} passed`, r().rejected && `${r().rejected} rejected`, r().refused && `${r().refused} turned away`, r().other && `${r().other} other`].filter(Boolean).join(", ");
  return (
    <Show when={r().total} fallback={<span class="muted small">nothing yet</span>}>
      <div class="sig-rates">
        <div class="sig-bar" aria-hidden="true"><i class="good" style={{ width: share(r().passed) }} /><i class="warn" style={{ width: share(r().rejected) }} /><i class="bad" style={{ width: share(r().refused) }} /></div>
        <span class="tiny muted">{words()}</span>
      </div>
    </Show>
  );
}

/** What each stage said, in their order; the first refusal ends it. */
export function StageLog(props: { log: readonly Said[]; empty?: string }): JSX.Element {
  return (
    <Show when={props.log.length} fallback={<p class="muted small">{props.empty ?? "No rule was asked: it has no stages."}</p>}>
      <ol class="sig-log">
        <For each={props.log}>
          {(s) => (
            <li classList={{ bad: !s.accept }}>
              <div class="row"><Badge tone={s.accept ? "good" : "bad"}>{s.accept ? "lets it pass" : "refuses"}</Badge><span class="strong">{s.stage}</span><Show when={s.score !== undefined}><span class="num small">score {formatNumber(s.score, 3)}</span></Show></div>
              <Show when={saidWords(s)}><p class="small break">{saidWords(s)}</p></Show>
              <Show when={s.error}><pre class="sig-pre bad">{s.error}</pre></Show>
            </li>
          )}
        </For>
      </ol>
    </Show>
  );
}

export function Fields(props: { signal: Record<string, unknown> }): JSX.Element {
  const rows = () => Object.entries(props.signal).filter(([name]) => name !== "raw");
  return (
    <Show when={rows().length} fallback={<p class="muted small">No field of a signal was found in it.</p>}>
      <dl class="facts">
        <For each={rows()}>{([name, value]) => <><dt><code>{name}</code></dt><dd>{name === "ts" ? new Date(Number(value)).toISOString().replace(/\.000Z$/, "Z") : String(value)}</dd></>}</For>
      </dl>
    </Show>
  );
}

export function Copy(props: { text: string; label?: string; small?: boolean }): JSX.Element {
  return <Button icon="copy" small={props.small ?? true} onClick={() => void navigator.clipboard.writeText(props.text).then(() => toast("Copied"), () => toast("The browser does not allow copying", "warn"))}>{props.label ?? "Copy"}</Button>;
}

/** Something to be copied, as it is. */
export function Snippet(props: { label: string; copy?: string; text: string; testId?: string }): JSX.Element {
  return (
    <div class="sig-snippet">
      <div class="row-between"><span class="label-text">{props.label}</span><Copy text={props.text} label={props.copy ?? `Copy ${props.label.toLowerCase()}`} /></div>
      <pre class="sig-pre" tabindex="0" aria-label={props.label} data-testid={props.testId}>{props.text}</pre>
    </div>
  );
}

/** A message for people to read: JSON is laid out. */
export function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
