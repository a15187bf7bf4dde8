// Decimal numbers as text, as the API sends money, prices and quantities. They are never parsed to a double to be calculated with:
// here they are bigint × 10^-scale, and every operation but div is exact.

export interface Decimal {
  readonly units: bigint; // the number times 10^scale
  readonly scale: number; // ≥ 0
}

const FORM = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

/** Null when the text is no number. */
export function parse(text: string | null | undefined): Decimal | null {
  const m = text == null ? null : FORM.exec(text.trim());
  if (!m || (!m[2] && !m[3])) return null;
  const digits = (m[2] ?? "") + (m[3] ?? "");
  let scale = (m[3] ?? "").length - Number(m[4] ?? 0);
  let units = BigInt(digits || "0");
  if (scale < 0) {
    units *= 10n ** BigInt(-scale);
    scale = 0;
  }
  return { units: m[1] === "-" ? -units : units, scale };
}

export const ZERO: Decimal = { units: 0n, scale: 0 };

/** For text that the API promises to be a number. */
export function decimal(text: string): Decimal {
  const d = parse(text);
  if (!d) throw new Error(`not a decimal number: ${text}`);
  return d;
}

function aligned(a: Decimal, b: Decimal): [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale);
  return [a.units * 10n ** BigInt(scale - a.scale), b.units * 10n ** BigInt(scale - b.scale), scale];
}

export function add(a: Decimal, b: Decimal): Decimal {
  const [x, y, scale] = aligned(a, b);
  return { units: x + y, scale };
}
export function sub(a: Decimal, b: Decimal): Decimal {
  const [x, y, scale] = aligned(a, b);
  return { units: x - y, scale };
}
export const mul = (a: Decimal, b: Decimal): Decimal => ({ units: a.units * b.units, scale: a.scale + b.scale });
export const neg = (a: Decimal): Decimal => ({ units: -a.units, scale: a.scale });
export const abs = (a: Decimal): Decimal => (a.units < 0n ? neg(a) : a);
export const sign = (a: Decimal): -1 | 0 | 1 => (a.units > 0n ? 1 : a.units < 0n ? -1 : 0);
export function cmp(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const [x, y] = aligned(a, b);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Rounded half away from zero to so many places. */
export function round(a: Decimal, places: number): Decimal {
  if (places >= a.scale) return { units: a.units * 10n ** BigInt(places - a.scale), scale: places };
  const by = 10n ** BigInt(a.scale - places), half = by / 2n;
  const units = a.units >= 0n ? (a.units + half) / by : -((-a.units + half) / by);
  return { units, scale: places };
}

/** a / b to so many places, half away from zero; null when b is 0. */
export function div(a: Decimal, b: Decimal, places: number): Decimal | null {
  if (b.units === 0n) return null;
  const up = places + 1 + b.scale; // one more place, to round by
  const q = (a.units * 10n ** BigInt(up)) / b.units; // scale: a.scale + up - b.scale
  return round({ units: q, scale: a.scale + up - b.scale }, places);
}

export function toText(a: Decimal): string {
  const digits = (a.units < 0n ? -a.units : a.units).toString().padStart(a.scale + 1, "0");
  const text = a.scale ? `${digits.slice(0, -a.scale)}.${digits.slice(-a.scale)}` : digits;
  return a.units < 0n ? `-${text}` : text;
}

/** For drawing only – pixels, bars, charts –, never for what is shown or sent as a number. */
export const toNumber = (a: Decimal): number => Number(toText(a));
