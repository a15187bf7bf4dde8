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

/** The value of a token now, for canvases. Read it inside an effect that depends on isDark(). */
export const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
