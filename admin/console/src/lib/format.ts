// How numbers and times are written, everywhere the same. Numbers of the API are text and stay so; digits are grouped by commas.
// Times are Unix milliseconds, shown in the reader's zone.
import { abs, parse, round, sign, toText, type Decimal } from "./decimal";

export interface NumberStyle {
  /** Places shown; min pads with zeros, max rounds. Neither: as they come. */
  min?: number;
  max?: number;
  /** "+" before what is above 0. */
  signed?: boolean;
}

export const DASH = "–";

export function formatDecimal(value: string | Decimal | null | undefined, style: NumberStyle = {}): string {
  let d = typeof value === "string" ? parse(value) : value;
  if (!d) return DASH;
  if (style.max !== undefined && d.scale > style.max) d = round(d, style.max);
  let text = toText(abs(d));
  let [whole = "0", part = ""] = text.split(".");
  // Zeros at the end say nothing.
  part = part.replace(/0+$/, "").padEnd(style.min ?? 0, "0");
  whole = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  text = part ? `${whole}.${part}` : whole;
  const s = sign(d);
  return (s < 0 ? "−" : s > 0 && style.signed ? "+" : "") + text;
}

/** Money: two places, more only below 1. */
export function formatMoney(value: string | null | undefined, currency?: string, style: NumberStyle = {}): string {
  const d = parse(value);
  if (!d) return DASH;
  const small = abs(d).units !== 0n && abs(d).units < 10n ** BigInt(d.scale);
  const text = formatDecimal(d, { min: 2, max: small ? 6 : 2, ...style });
  return currency ? `${text} ${currency}` : text;
}

/** Ratios are numbers in the API, percent as percent. */
export function formatPercent(value: number | string | null | undefined, style: NumberStyle = {}): string {
  const text = typeof value === "number" ? (Number.isFinite(value) ? value.toFixed(style.max ?? 2) : null) : value;
  const s = formatDecimal(text, { min: style.max ?? 2, max: 2, ...style });
  return s === DASH ? s : `${s} %`;
}

export function formatNumber(value: number | null | undefined, places = 2): string {
  return value == null || !Number.isFinite(value) ? DASH : formatDecimal(value.toFixed(places));
}

export function formatCount(value: number | null | undefined): string {
  return value == null ? DASH : formatDecimal(String(Math.trunc(value)));
}

const date = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short", year: "numeric" });
const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const dateTime = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

export const formatDate = (ms: number | null | undefined): string => (ms == null ? DASH : date.format(ms));
export const formatTime = (ms: number | null | undefined): string => (ms == null ? DASH : time.format(ms));
export const formatDateTime = (ms: number | null | undefined): string => (ms == null ? DASH : dateTime.format(ms));

const UNITS: [number, string][] = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "min"], [1000, "s"]];

/** "3 d 4 h", "12 s". */
export function formatDuration(ms: number | null | undefined): string {
  if (ms == null || !Number.isFinite(ms)) return DASH;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const i = UNITS.findIndex(([size]) => ms >= size);
  const [size, name] = UNITS[i]!, next = UNITS[i + 1];
  const rest = next ? Math.floor((ms % size) / next[0]) : 0;
  return `${Math.floor(ms / size)} ${name}` + (rest && next ? ` ${rest} ${next[1]}` : "");
}

/** "just now", "4 min ago", "in 2 h". */
export function formatAgo(ms: number, now: number): string {
  const away = Math.abs(now - ms);
  if (away < 5000) return "just now";
  const [size, name] = UNITS.find(([s]) => away >= s)!;
  const text = `${Math.floor(away / size)} ${name}`;
  return ms <= now ? `${text} ago` : `in ${text}`;
}
