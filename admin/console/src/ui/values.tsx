// Numbers and times of the API, shown the same way everywhere (lib/format.ts). Text stays text.
import { createSignal, onCleanup, Show, type JSX } from "solid-js";
import { parse, sign } from "~/lib/decimal";
import { formatAgo, formatDateTime, formatDecimal, formatMoney, formatPercent, DASH } from "~/lib/format";

const tone = (text: string | null | undefined): string => {
  const d = parse(text);
  return d ? (sign(d) > 0 ? "up" : sign(d) < 0 ? "down" : "") : "";
};

export function Money(props: { value: string | null | undefined; currency?: string; signed?: boolean }): JSX.Element {
  return <span class={`num ${props.signed ? tone(props.value) : ""}`}>{formatMoney(props.value, undefined, props.signed ? { signed: true } : {})}<Show when={props.currency}> <span class="muted tiny">{props.currency}</span></Show></span>;
}
export function Price(props: { value: string | null | undefined }): JSX.Element {
  return <span class="num">{formatDecimal(props.value)}</span>;
}
export function Quantity(props: { value: string | null | undefined; signed?: boolean }): JSX.Element {
  return <span class={`num ${props.signed ? tone(props.value) : ""}`}>{formatDecimal(props.value, props.signed ? { signed: true } : {})}</span>;
}
export function Percent(props: { value: number | string | null | undefined; signed?: boolean; places?: number }): JSX.Element {
  const text = () => (typeof props.value === "number" ? String(props.value) : props.value);
  return <span class={`num ${props.signed ? tone(text()) : ""}`}>{formatPercent(props.value, { signed: props.signed, max: props.places ?? 2 })}</span>;
}

export function Time(props: { ms: number | null | undefined }): JSX.Element {
  return <Show when={props.ms != null} fallback={DASH}><time class="num" dateTime={new Date(props.ms!).toISOString()} title={new Date(props.ms!).toISOString()}>{formatDateTime(props.ms)}</time></Show>;
}

// One clock for all of "4 min ago".
const [now, setNow] = createSignal(Date.now());
let watchers = 0;
let clock: ReturnType<typeof setInterval> | undefined;
export function useNow(): () => number {
  if (watchers++ === 0) {
    setNow(Date.now());
    clock = setInterval(() => setNow(Date.now()), 5000);
  }
  onCleanup(() => --watchers === 0 && clearInterval(clock));
  return now;
}

export function Ago(props: { ms: number | null | undefined }): JSX.Element {
  const at = useNow();
  return <Show when={props.ms != null} fallback={DASH}><time class="num" dateTime={new Date(props.ms!).toISOString()} title={formatDateTime(props.ms)}>{formatAgo(props.ms!, at())}</time></Show>;
}

export function Stat(props: { name: string; children: JSX.Element; note?: JSX.Element }): JSX.Element {
  return <div class="stat"><div class="name">{props.name}</div><div class="value">{props.children}</div><Show when={props.note}><div class="note">{props.note}</div></Show></div>;
}

export function Panel(props: { title?: JSX.Element; actions?: JSX.Element; flush?: boolean; children: JSX.Element; label?: string }): JSX.Element {
  return (
    <section class="panel" aria-label={props.label}>
      <Show when={props.title || props.actions}><header><h2>{props.title}</h2><Show when={props.actions}><div class="row">{props.actions}</div></Show></header></Show>
      <div class="body" classList={{ flush: props.flush }}>{props.children}</div>
    </section>
  );
}
