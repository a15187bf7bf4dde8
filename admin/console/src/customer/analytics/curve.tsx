// A curve of money over time, drawn as SVG: small enough for the first page. The line has the colour of gain or loss when `signed`, a
// zero line, the value under the pointer, and a sentence for who cannot see it.
import { createMemo, createSignal, createUniqueId, Show, type JSX } from "solid-js";
import { formatDateTime, formatMoney } from "~/lib/format";
import "./curve.css";

export interface CurvePoint {
  time: number;
  value: string; // decimal text
}

const W = 1000, H = 260, PAD = 6;

export function Curve(props: { points: readonly CurvePoint[]; label: string; currency: string; signed?: boolean; height?: number }): JSX.Element {
  const id = createUniqueId();
  const [at, setAt] = createSignal<number | null>(null);
  const values = createMemo(() => props.points.map((p) => Number(p.value)));
  const range = createMemo(() => {
    const v = values();
    let low = Math.min(...v), high = Math.max(...v);
    if (props.signed) low = Math.min(low, 0), high = Math.max(high, 0);
    const room = (high - low || Math.abs(high) * 0.01 || 1) * 0.08;
    return { low: low - room, high: high + room };
  });
  const x = (i: number): number => (props.points.length > 1 ? (i / (props.points.length - 1)) * W : W / 2);
  const y = (v: number): number => PAD + (1 - (v - range().low) / (range().high - range().low)) * (H - 2 * PAD);
  const line = createMemo(() => values().map((v, i) => `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(v).toFixed(1)}`).join(""));
  const floor = () => (props.signed ? y(0) : H);
  const last = () => props.points[props.points.length - 1];
  const tone = () => (!props.signed ? "plain" : (values()[values().length - 1] ?? 0) >= 0 ? "gain" : "loss");
  const shown = () => props.points[at() ?? props.points.length - 1];
  const move = (e: PointerEvent): void => {
    const box = (e.currentTarget as Element).getBoundingClientRect();
    setAt(Math.max(0, Math.min(props.points.length - 1, Math.round(((e.clientX - box.left) / box.width) * (props.points.length - 1)))));
  };
  const spoken = () => (last() ? `${props.label}: ${formatMoney(props.points[0]!.value, props.currency)} at first, ${formatMoney(last()!.value, props.currency)} at last` : props.label);
  return (
    <figure class={`curve ${tone()}`} style={{ "--curve-height": `${props.height ?? 220}px` }}>
      <figcaption class="small">
        <span class="num strong">{formatMoney(shown()?.value, props.currency, props.signed ? { signed: true } : {})}</span>
        <span class="muted num">{formatDateTime(shown()?.time)}</span>
      </figcaption>
      <div class="plot" onPointerMove={move} onPointerLeave={() => setAt(null)}>
        <svg viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" role="img" aria-label={spoken()}>
          <defs><linearGradient id={id} x1="0" y1="0" x2="0" y2="1"><stop offset="0" class="from" /><stop offset="1" class="to" /></linearGradient></defs>
          <path d={`${line()}L${x(props.points.length - 1).toFixed(1)} ${floor()}L${x(0).toFixed(1)} ${floor()}Z`} fill={`url(#${id})`} />
          <Show when={props.signed && range().low < 0}><line x1="0" x2={W} y1={y(0)} y2={y(0)} class="zero" vector-effect="non-scaling-stroke" /></Show>
          <path d={line()} class="line" vector-effect="non-scaling-stroke" />
          <Show when={at() !== null}><line x1={x(at()!)} x2={x(at()!)} y1="0" y2={H} class="cross" vector-effect="non-scaling-stroke" /></Show>
        </svg>
        <span class="mark top tiny num">{formatMoney(range().high.toFixed(2))}</span>
        <span class="mark bottom tiny num">{formatMoney(range().low.toFixed(2))}</span>
      </div>
      <div class="ends tiny muted num"><span>{formatDateTime(props.points[0]?.time)}</span><span>{formatDateTime(last()?.time)}</span></div>
    </figure>
  );
}

/** A number of bars, one a day or group: gains up, losses down. */
export function Bars(props: { items: readonly { label: string; value: string }[]; label: string; currency: string }): JSX.Element {
  const [at, setAt] = createSignal<number | null>(null);
  const values = createMemo(() => props.items.map((i) => Number(i.value)));
  const most = () => Math.max(...values().map(Math.abs), 1e-9);
  const up = () => (Math.max(...values(), 0) / most()) * 0.5 + 0.02, down = () => (Math.max(...values().map((v) => -v), 0) / most()) * 0.5 + 0.02;
  const scale = () => (H - 2 * PAD) / (up() + down()) / 2 / most();
  const zero = () => PAD + (up() / (up() + down())) * (H - 2 * PAD);
  const width = () => W / Math.max(props.items.length, 8);
  const shown = () => props.items[at() ?? props.items.length - 1];
  return (
    <figure class="curve" style={{ "--curve-height": "180px" }}>
      <figcaption class="small"><span class="num strong">{formatMoney(shown()?.value, props.currency, { signed: true })}</span><span class="muted">{shown()?.label}</span></figcaption>
      <div class="plot">
        <svg viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" role="img" aria-label={`${props.label}: ${props.items.length} bars, the last ${formatMoney(shown()?.value, props.currency)}`} onPointerLeave={() => setAt(null)}>
          {props.items.map((_, i) => {
            const v = values()[i]!, h = Math.max(Math.abs(v) * scale(), 1.5);
            return <rect class={v >= 0 ? "gain" : "loss"} classList={{ lit: at() === i }} x={i * width() + width() * 0.1} width={width() * 0.8} y={v >= 0 ? zero() - h : zero()} height={h} onPointerEnter={() => setAt(i)} />;
          })}
          <line x1="0" x2={W} y1={zero()} y2={zero()} class="zero" vector-effect="non-scaling-stroke" />
        </svg>
      </div>
    </figure>
  );
}
