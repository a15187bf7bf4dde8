// An edition's colour as an accent that can be read: on white and on what is nearly black, as text, on its own soft ground, and below
// text of its own. The hue is the edition's; it is made darker or lighter until WCAG 2.1's contrast of 4.5 holds with some room.

export interface Accent {
  accent: string;
  hover: string;
  soft: string;
  on: string; // text upon it
}
export type Rgb = readonly [number, number, number];

const ENOUGH = 4.7, STEP = 0.03;
const WHITE: Rgb = [255, 255, 255], BLACK: Rgb = [0, 0, 0];
// The lightest and the darkest grounds that text of the accent stands on (tokens.css).
const LIGHT_GROUND: Rgb = [238, 240, 245], DARK_GROUND: Rgb = [29, 34, 48], INK: Rgb = [11, 14, 22];

/** "#0a7" or "#00aa77"; null: no colour. */
export function parseColour(text: string): Rgb | null {
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text)?.[1];
  if (!hex) return null;
  const six = hex.length === 3 ? [...hex].map((c) => c + c).join("") : hex;
  return [0, 2, 4].map((i) => parseInt(six.slice(i, i + 2), 16)) as unknown as Rgb;
}

export const toHex = (c: Rgb): string => `#${c.map((x) => Math.round(x).toString(16).padStart(2, "0")).join("")}`;

export const mix = (a: Rgb, b: Rgb, share: number): Rgb => a.map((x, i) => x * (1 - share) + b[i]! * share) as unknown as Rgb;

function luminance(c: Rgb): number {
  const [r, g, b] = c.map((x) => (x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4)) as unknown as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** WCAG 2.1, 1.4.3: 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function readable(colour: Rgb, towards: Rgb, fits: (c: Rgb) => boolean): Rgb {
  for (let share = 0; share < 1; share += STEP) {
    const c = mix(colour, towards, share);
    if (fits(c)) return c;
  }
  return towards;
}

/** In both themes. */
export function accentsOf(colour: Rgb): { light: Accent; dark: Accent } {
  const softLight = (c: Rgb): Rgb => mix(c, WHITE, 0.88), softDark = (c: Rgb): Rgb => mix(c, DARK_GROUND, 0.8);
  const light = readable(colour, BLACK, (c) => [WHITE, LIGHT_GROUND, softLight(c)].every((ground) => contrast(c, ground) >= ENOUGH));
  const dark = readable(colour, WHITE, (c) => [DARK_GROUND, softDark(c), INK].every((ground) => contrast(c, ground) >= ENOUGH));
  const soft = softDark(dark);
  return {
    light: { accent: toHex(light), hover: toHex(mix(light, BLACK, 0.18)), soft: toHex(softLight(light)), on: toHex(WHITE) },
    dark: { accent: toHex(dark), hover: toHex(mix(dark, WHITE, 0.25)), soft: toHex(soft), on: toHex(INK) },
  };
}
