// Price with what the bot did to it: fills as arrows, denials as squares, working orders and the position as lines, the script's plots,
// and the equity below on the same axis of time. A click on an arrow asks why.
import { createMemo, Show, type JSX } from "solid-js";
import { decimal, toNumber } from "~/lib/decimal";
import { formatDecimal } from "~/lib/format";
import { Button, Empty, Skeleton, toastProblem } from "~/ui";
import { Chart, type ChartSeries, type Marker, type Point, type PriceLine } from "~/ui/chart";
import type { BotData } from "./data";
import { orderRef } from "./state";

const COLORS = ["--chart-2", "--chart-4", "--chart-6", "--chart-5", "--chart-3"];
const MARKERS = 400;

export function PriceChart(props: { data: BotData; onWhy: (order: string) => void }): JSX.Element {
  const d = props.data;
  const tfMs = createMemo(() => {
    const b = d.bars();
    return b.length > 1 ? Math.min(...b.slice(-20).map((x, i, list) => (i ? x.time - list[i - 1]!.time : Infinity))) : 60_000;
  });
  // Fills and equity carry the open time of their bar; decisions and plots the instant that ended theirs.
  const barAt = (ms: number): number => ms - (ms % tfMs());
  const barOf = (ms: number): number => ms - (ms % tfMs()) - (ms % tfMs() === 0 ? tfMs() : 0);
  const first = createMemo(() => d.bars()[0]?.time ?? 0);

  const markers = createMemo((): Marker[] => {
    const fills = d.fills.items().slice(0, MARKERS).filter((f) => f.symbol === d.bot().symbol && f.time_ms >= first());
    const denials = d.denials.items().slice(0, 100).filter((x) => x.time_ms >= first());
    const list: Marker[] = [
      ...fills.map((f): Marker => ({ id: orderRef(f.run, f.order) ?? "", time: barAt(f.time_ms), side: f.side === "buy" ? "below" : "above", shape: f.side === "buy" ? "arrowUp" : "arrowDown", color: f.side === "buy" ? "--up" : "--down", ...(fills.length <= 12 && f.tag ? { text: f.tag } : {}) })),
      ...denials.map((x): Marker => ({ id: x.order ? orderRef(x.run, x.order)! : `denial:${x.id}`, time: barOf(x.time_ms), side: "above", shape: "square", color: "--warn" })),
    ];
    return list.sort((a, b) => a.time - b.time);
  });
  const lines = createMemo((): PriceLine[] => {
    const working = d.orders.items().filter((o) => ["open", "partial", "sent", "unknown", "pending_cancel", "pending_modify"].includes(o.status) && o.symbol === d.bot().symbol);
    const list: PriceLine[] = working.slice(0, 12).flatMap((o) => {
      const price = o.limit ?? o.trigger;
      return price ? [{ id: o.id, price: toNumber(decimal(price)), title: `${o.side} ${o.tag || o.type}`, color: o.side === "buy" ? "--up" : "--down", dashed: true }] : [];
    });
    const position = d.bot().live?.positions.find((p) => p.symbol === d.bot().symbol);
    if (position && position.avg_price) list.push({ id: "position", price: toNumber(decimal(position.avg_price)), title: `position ${formatDecimal(position.qty, { signed: true })}`, color: "--accent" });
    return list;
  });

  // Plots near the price are drawn over it, the others in a pane of their own.
  const plots = createMemo((): ChartSeries[] => {
    const price = d.bars()[d.bars().length - 1]?.close ?? 0;
    return [...d.plots()].slice(0, 8).map(([name, points], i) => {
      const last = points[points.length - 1]?.value ?? 0;
      const near = price > 0 && last > price * 0.5 && last < price * 2;
      return { id: `plot:${name}`, kind: "line", title: name, color: COLORS[i % COLORS.length], pane: near ? 0 : 2, data: points.map((p): Point => ({ time: barOf(p.time), value: p.value })) } satisfies ChartSeries;
    });
  });
  const equity = createMemo((): readonly Point[] => d.equity().filter((p) => p.time >= first()).map((p) => ({ time: barAt(p.time), value: p.value })));
  const series = createMemo((): ChartSeries[] => {
    const start = d.equity()[0]?.value ?? 0;
    return [
      { id: "price", kind: "candles", data: d.bars(), markers: markers(), lines: lines() },
      // Always there, so that the panes below keep their places.
      { id: "equity", kind: "baseline", base: start, title: "equity", color: "--text-3", pane: 1, places: 2, data: equity() },
      ...plots(),
    ];
  });

  return (
    <Show when={d.bars().length} fallback={<Show when={d.barsRead.latest} fallback={<div style={{ padding: "16px" }}><Skeleton lines={1} height={340} /></div>}><Empty icon="clock" title="No bars yet" text="The chart begins with the market's first bar." /></Show>}>
      <Show when={d.plots().size > 0 && d.plotsState() !== "done"}>
        <div class="chart-tools"><Button small kind="quiet" icon="history" busy={d.plotsState() === "busy"} onClick={() => void d.loadPlots().catch((e: unknown) => toastProblem("Its plots of before cannot be shown", e))}>Its plots of before</Button></div>
      </Show>
      <Chart label={`Price of ${d.bot().symbol}, ${d.bot().timeframe}, with ${d.fills.items().length} fills and the bot's equity`} height={460} series={series()} stretch={[4, 1, 1]} onMarker={props.onWhy} />
    </Show>
  );
}
