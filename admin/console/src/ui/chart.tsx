// lightweight-charts as a component: what is drawn is data. Loaded when first needed; colours follow the theme.
//
//   <Chart label="Price of BTCUSDT" height={360} series={[
//     { id: "price", kind: "candles", data: bars().map(candle), markers: markers() },
//     { id: "trend", kind: "line", title: "trend", data: trend(), color: "--chart-2" },
//     { id: "equity", kind: "area", data: equity(), pane: 1 } ]} onMarker={(id) => …} />
//
// Points are in order of time (Unix ms). Arrays are replaced, not changed: when one has grown at its end only those points are drawn
// anew. Numbers come from decimal text by toNumber: for drawing only.
import type { IChartApi, ISeriesApi, ISeriesMarkersPluginApi, SeriesType, Time, UTCTimestamp } from "lightweight-charts";
import { createEffect, createSignal, Index, on, onCleanup, onMount, Show, type JSX } from "solid-js";
import { decimal, toNumber } from "~/lib/decimal";
import { formatDecimal } from "~/lib/format";
import { brand } from "./brand";
import { fontFamily, isDark, token } from "./theme";

export interface Candle {
  time: number;
  open: number;
  high: number;
  low: number;
  close: number;
}
export interface Point {
  time: number;
  value: number | null; // null: a gap
}
export interface Marker {
  id: string; // told by onMarker
  time: number;
  side: "above" | "below";
  shape: "arrowUp" | "arrowDown" | "circle" | "square";
  color?: string; // a token
  text?: string;
}
export interface PriceLine {
  id: string;
  price: number;
  title: string;
  color?: string; // a token
  dashed?: boolean;
}
interface Common {
  id: string;
  title?: string;
  color?: string; // a token: "--chart-2"
  pane?: number; // 0: the main one
  markers?: readonly Marker[];
  lines?: readonly PriceLine[];
  /** Places of the numbers on the scale. */
  places?: number;
}
export type ChartSeries = Common & ({ kind: "candles"; data: readonly Candle[] } | { kind: "line" | "area" | "histogram"; data: readonly Point[] } | { kind: "baseline"; data: readonly Point[]; base: number });

/** A bar of GET /markets/{symbol}/bars as a candle. */
export const candle = (b: { time: number; open: string; high: string; low: string; close: string }): Candle => ({ time: b.time, open: toNumber(decimal(b.open)), high: toNumber(decimal(b.high)), low: toNumber(decimal(b.low)), close: toNumber(decimal(b.close)) });

type Library = typeof import("lightweight-charts");
let library: Promise<Library> | undefined;
const load = (): Promise<Library> => (library ??= import("lightweight-charts"));

interface Drawn {
  api: ISeriesApi<SeriesType>;
  kind: ChartSeries["kind"];
  pane: number;
  data: readonly (Candle | Point)[];
  look: string; // its options
  markers?: ISeriesMarkersPluginApi<Time>;
  marked?: readonly Marker[] | null | undefined; // what these are; null: in other colours
  lines: Map<string, { line: ReturnType<ISeriesApi<SeriesType>["createPriceLine"]>; key: string }>;
}

const DRAW_MS = 200;

const seconds = (ms: number): UTCTimestamp => Math.floor(ms / 1000) as UTCTimestamp;
const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short" });
const moment = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });

function toData(s: ChartSeries, p: Candle | Point): object {
  if ("open" in p) return { time: seconds(p.time), open: p.open, high: p.high, low: p.low, close: p.close };
  return p.value === null || s.kind === "candles" ? { time: seconds(p.time) } : { time: seconds(p.time), value: p.value };
}

// Times must go up: of two points in one second the later one stands.
function ordered(s: ChartSeries): object[] {
  const out: { time: number }[] = [];
  for (const p of s.data) {
    const d = toData(s, p) as { time: number }, last = out[out.length - 1];
    if (!last || d.time > last.time) out.push(d);
    else if (d.time === last.time) out[out.length - 1] = d;
  }
  return out;
}

export interface ChartProps {
  label: string; // for who cannot see it: what it shows
  series: readonly ChartSeries[];
  height?: number;
  onMarker?: (id: string) => void;
  /** Panes' shares of the height. */
  stretch?: readonly number[];
  /** Show all of it at first rather than the newest part. */
  fit?: boolean;
  /** Brings these times (Unix ms) into view whenever they change. */
  show?: readonly [number, number] | null;
  legend?: boolean;
}

export function Chart(props: ChartProps): JSX.Element {
  let host!: HTMLDivElement;
  const [ready, setReady] = createSignal<{ lib: Library; chart: IChartApi }>();
  const [hover, setHover] = createSignal<Map<string, string>>();
  const drawn = new Map<string, Drawn>();
  let fitted = false;

  onMount(() => {
    let gone = false;
    onCleanup(() => {
      gone = true;
      ready()?.chart.remove();
    });
    void load().then((lib) => {
      if (gone) return;
      const chart = lib.createChart(host, {
        autoSize: true,
        layout: { attributionLogo: false, fontFamily: fontFamily(), fontSize: 11, panes: { enableResize: false } },
        timeScale: { timeVisible: true, secondsVisible: false, rightOffset: 4, minBarSpacing: 0.1,
          tickMarkFormatter: (t: Time, type: number) => (type >= 3 ? time : day).format((t as number) * 1000) },
        localization: { timeFormatter: (t: Time) => moment.format((t as number) * 1000) },
        crosshair: { mode: lib.CrosshairMode.Normal },
        handleScroll: { vertTouchDrag: false },
      });
      chart.subscribeClick((e) => typeof e.hoveredObjectId === "string" && props.onMarker?.(e.hoveredObjectId));
      chart.subscribeCrosshairMove((e) => {
        if (e.time === undefined) return setHover(undefined);
        const at = new Map<string, string>([["", moment.format((e.time as number) * 1000)]]);
        for (const [id, d] of drawn) {
          const v = e.seriesData.get(d.api) as { value?: number; open?: number; high?: number; low?: number; close?: number } | undefined;
          if (v?.open !== undefined) at.set(id, `O ${format(v.open)}  H ${format(v.high!)}  L ${format(v.low!)}  C ${format(v.close!)}`);
          else if (v?.value !== undefined) at.set(id, format(v.value));
        }
        setHover(at);
      });
      setReady({ lib, chart });
    });
  });
  const format = (v: number): string => formatDecimal(String(Number(v.toPrecision(9))));

  // Colours of the theme, for the frame.
  createEffect(() => {
    const r = ready();
    isDark();
    brand();
    if (!r) return;
    r.chart.applyOptions({
      layout: { background: { color: "transparent" }, textColor: token("--text-2"), panes: { separatorColor: token("--line"), separatorHoverColor: token("--line") } },
      grid: { vertLines: { color: token("--surface-2") }, horzLines: { color: token("--surface-2") } },
      rightPriceScale: { borderColor: token("--line") }, timeScale: { borderColor: token("--line") },
      crosshair: { vertLine: { color: token("--line-strong"), labelBackgroundColor: token("--text-2") }, horzLine: { color: token("--line-strong"), labelBackgroundColor: token("--text-2") } },
    });
  });

  const options = (s: ChartSeries): object => {
    const color = token(s.color ?? "--chart-1");
    const common = { title: "", priceLineVisible: s.kind === "candles", lastValueVisible: s.kind === "candles" || (s.pane ?? 0) > 0,
      ...(s.places === undefined ? {} : { priceFormat: { type: "price", precision: s.places, minMove: 10 ** -s.places } }) };
    if (s.kind === "candles") return { ...common, upColor: token("--up"), downColor: token("--down"), wickUpColor: token("--up"), wickDownColor: token("--down"), borderVisible: false };
    if (s.kind === "area") return { ...common, lineColor: color, topColor: `${color}44`, bottomColor: `${color}05`, lineWidth: 2 };
    if (s.kind === "baseline") return { ...common, baseValue: { type: "price", price: s.base }, topLineColor: token("--up"), topFillColor1: `${token("--up")}44`, topFillColor2: `${token("--up")}05`, bottomLineColor: token("--down"), bottomFillColor1: `${token("--down")}05`, bottomFillColor2: `${token("--down")}44`, lineWidth: 2 };
    return { ...common, color, lineWidth: 2 };
  };

  function draw(lib: Library, chart: IChartApi, s: ChartSeries): void {
    const types = { candles: lib.CandlestickSeries, line: lib.LineSeries, area: lib.AreaSeries, histogram: lib.HistogramSeries, baseline: lib.BaselineSeries };
    let d = drawn.get(s.id);
    if (d && (d.kind !== s.kind || d.pane !== (s.pane ?? 0))) {
      chart.removeSeries(d.api);
      drawn.delete(s.id);
      d = undefined;
    }
    if (!d) {
      d = { api: chart.addSeries(types[s.kind] as typeof lib.LineSeries, {}, s.pane ?? 0) as ISeriesApi<SeriesType>, kind: s.kind, pane: s.pane ?? 0, data: [], look: "", lines: new Map() };
      drawn.set(s.id, d);
    }
    // A chart is drawn anew for whatever it is told, be it what it knows.
    const wish = options(s), look = JSON.stringify(wish);
    if (look !== d.look) d.api.applyOptions(wish);
    d.look = look;
    if (s.data !== d.data) {
      const before = d.data, n = before.length, last = n ? seconds(before[n - 1]!.time) : 0;
      const grown = n > 0 && s.data.length >= n && s.data.length - n < 50 && s.data[0]!.time === before[0]!.time && seconds(s.data[n - 1]!.time) === last;
      if (grown) for (let i = n - 1; i < s.data.length; i++) d.api.update(toData(s, s.data[i]!) as never);
      else d.api.setData(ordered(s) as never);
      d.data = s.data;
    }
    if (s.markers !== d.marked && (s.markers || d.markers)) {
      d.marked = s.markers;
      d.markers ??= lib.createSeriesMarkers(d.api, []);
      d.markers.setMarkers((s.markers ?? []).map((m) => ({
        id: m.id, time: seconds(m.time), position: m.side === "above" ? "aboveBar" : "belowBar", shape: m.shape, color: token(m.color ?? "--accent"), text: m.text ?? "", size: 1,
      })) as never);
    }
    const wanted = new Map((s.lines ?? []).map((l) => [l.id, l]));
    for (const [id, have] of d.lines) if (!wanted.has(id)) {
      d.api.removePriceLine(have.line);
      d.lines.delete(id);
    }
    for (const [id, l] of wanted) {
      const look = { price: l.price, title: l.title, color: token(l.color ?? "--text-2"), lineWidth: 1 as const, lineStyle: l.dashed ? lib.LineStyle.Dashed : lib.LineStyle.Solid, axisLabelVisible: true };
      const key = JSON.stringify(look), have = d.lines.get(id);
      if (have?.key === key) continue;
      if (have) have.line.applyOptions(look);
      d.lines.set(id, { line: have?.line ?? d.api.createPriceLine(look), key });
    }
  }

  // A bot in a quick market tells something in every frame, and each drawing costs all that is in sight: what comes meanwhile is drawn
  // together.
  let timer: ReturnType<typeof setTimeout> | undefined, last = -Infinity;
  onCleanup(() => clearTimeout(timer));
  createEffect(on([ready, () => props.series, isDark, brand], ([r, , ...colours], before) => {
    if (!r) return;
    if (before && colours.some((c, i) => c !== before[i + 2])) for (const d of drawn.values()) d.marked = null;
    clearTimeout(timer);
    const wait = last + DRAW_MS - performance.now();
    if (wait <= 0) paint(r);
    else timer = setTimeout(() => paint(r), wait);
  }));
  let drawings = 0;
  const paint = (r: { lib: Library; chart: IChartApi }): void => {
    last = performance.now();
    host.dataset["drawings"] = String(++drawings); // for whoever asks whether it is drawn too often
    const series = props.series;
    const ids = new Set(series.map((s) => s.id));
    for (const [id, d] of drawn) if (!ids.has(id)) {
      r.chart.removeSeries(d.api);
      drawn.delete(id);
    }
    for (const s of series) draw(r.lib, r.chart, s);
    props.stretch?.forEach((share, i) => r.chart.panes()[i]?.setStretchFactor(share));
    if (!fitted && series.some((s) => s.data.length > 1)) {
      fitted = true;
      if (props.fit) r.chart.timeScale().fitContent();
    }
  };

  createEffect(on([ready, () => props.show], ([r, show]) => {
    if (r && show) r.chart.timeScale().setVisibleRange({ from: seconds(show[0]), to: seconds(show[1]) });
  }));

  return (
    <div class="chart" role="img" aria-label={props.label} style={{ height: `${props.height ?? 320}px` }}>
      <Show when={props.legend !== false}>
        <div class="legend" aria-hidden="true">
          <Show when={hover()?.get("")}><span>{hover()!.get("")}</span></Show>
          <Index each={props.series.filter((s) => s.title || s.kind === "candles")}>
            {(s) => <Show when={s().kind !== "candles" || hover()?.get(s().id)}><span><Show when={s().kind !== "candles"}><Swatch color={s().color ?? "--chart-1"} />{s().title} </Show>{hover()?.get(s().id) ?? ""}</span></Show>}
          </Index>
        </div>
      </Show>
      <div ref={host} class="canvas" />
    </div>
  );
}

function Swatch(props: { color: string }): JSX.Element {
  return <i style={{ background: `var(${props.color})` }} />;
}

/** A line without axes, beside a number. Points in order; drawn as SVG, so a hundred of them cost little. */
export function Spark(props: { values: readonly number[]; label: string; color?: string; height?: number }): JSX.Element {
  const points = (): string => {
    const v = props.values;
    if (v.length < 2) return "";
    const lo = Math.min(...v), hi = Math.max(...v), span = hi - lo || 1;
    return v.map((y, i) => `${((i / (v.length - 1)) * 100).toFixed(2)},${(30 - ((y - lo) / span) * 28).toFixed(2)}`).join(" ");
  };
  const color = (): string => props.color ?? (props.values.length > 1 && props.values[props.values.length - 1]! < props.values[0]! ? "--down" : "--up");
  return (
    <svg class="spark" viewBox="0 0 100 32" preserveAspectRatio="none" role="img" aria-label={props.label} style={{ height: `${props.height ?? 32}px` }}>
      <polyline points={points()} fill="none" stroke={`var(${color()})`} stroke-width="1.5" vector-effect="non-scaling-stroke" />
    </svg>
  );
}
