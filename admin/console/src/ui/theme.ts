// Light, dark or the system's; and how close things stand. Chosen once per browser (/theme.js applies it before the first frame).
import { createSignal } from "solid-js";

export type Theme = "system" | "light" | "dark";
export type Density = "comfortable" | "compact";

function stored(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}
function store(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // lasts as long as the page
  }
}

const known = stored("perigee.theme");
const [theme, setThemeSignal] = createSignal<Theme>(known === "light" || known === "dark" ? known : "system");
const [density, setDensitySignal] = createSignal<Density>(stored("perigee.density") === "compact" ? "compact" : "comfortable");
const system = typeof matchMedia === "undefined" ? null : matchMedia("(prefers-color-scheme: dark)");
const [systemDark, setSystemDark] = createSignal(system?.matches ?? false);
system?.addEventListener("change", (e) => setSystemDark(e.matches));

export { theme, density };
export const isDark = (): boolean => (theme() === "system" ? systemDark() : theme() === "dark");

export function setTheme(value: Theme): void {
  setThemeSignal(value);
  store("perigee.theme", value);
  if (value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
}
export function setDensity(value: Density): void {
  setDensitySignal(value);
  store("perigee.density", value);
  if (value === "compact") document.documentElement.dataset.density = value;
  else delete document.documentElement.dataset.density;
}

// The browser works out light-dark() and var() for an element, not for a custom property. A chart asks for a colour of each of its
// marks, and each answer costs a look at the whole page's style: they are kept as long as they hold.
let probe: HTMLElement | undefined;
const tokens = new Map<string, string>();
let tokensDark = false;
export const forgetTokens = (): void => tokens.clear();

/** A colour's token as it is now, as #rrggbb, for canvases. Read it inside an effect that depends on isDark() and brand(). */
export function token(name: string): string {
  if (tokensDark !== isDark()) forgetTokens();
  tokensDark = isDark();
  const known = tokens.get(name) ?? resolve(name);
  tokens.set(name, known);
  return known;
}

function resolve(name: string): string {
  if (!probe) {
    probe = document.createElement("span");
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = `var(${name})`;
  const [r = "0", g = "0", b = "0"] = getComputedStyle(probe).color.match(/[\d.]+/g) ?? [];
  return `#${[r, g, b].map((x) => Math.round(Number(x)).toString(16).padStart(2, "0")).join("")}`;
}

/** The family of fonts, for canvases. */
export const fontFamily = (): string => getComputedStyle(document.documentElement).getPropertyValue("--font").trim();
