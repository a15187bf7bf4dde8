// Whose product this is: the title, colour and logo of the edition in force (GET /edition), over Perigee's own. What was shown last is
// kept by the browser, so that a page begins as it will be.
import { createEffect, createRoot, createSignal, on } from "solid-js";
import { accentsOf, parseColour } from "~/lib/accent";
import { forgetTokens } from "./theme";

export interface Brand {
  title: string;
  tagline: string;
  colour: string; // "": Perigee's
  logo: string; // an address of this service, or a data: URI of an image
}

const OWN: Brand = { title: "Perigee", tagline: "", colour: "", logo: "/icon.svg" };
const KEY = "perigee.brand";

const line = (value: unknown, most: number): string => (typeof value === "string" ? value.trim().slice(0, most) : "");

/** What an edition's author wrote, as far as it can be shown. */
function brandOf(given: Record<string, unknown>): Brand {
  const colour = line(given.colour, 7), logo = line(given.logo, 50_000);
  return {
    title: line(given.title, 40) || OWN.title, tagline: line(given.tagline, 120),
    colour: parseColour(colour) ? colour : "", logo: /^data:image\/(svg\+xml|png);base64,[A-Za-z0-9+/]+=*$/.test(logo) ? logo : OWN.logo,
  };
}

function kept(): Brand {
  try {
    const known = JSON.parse(localStorage.getItem(KEY) ?? "null") as Record<string, unknown> | null;
    return known ? brandOf(known) : OWN;
  } catch {
    return OWN;
  }
}

const [brand, setBrand] = createSignal<Brand>(typeof window === "undefined" ? OWN : kept());
export { brand };

// A sheet of its own rather than properties of <html>: light-dark() in it follows the theme, and CSP allows what a script makes so.
const sheet = typeof CSSStyleSheet === "undefined" ? null : new CSSStyleSheet();

function apply(b: Brand): void {
  const rgb = parseColour(b.colour);
  const a = rgb && accentsOf(rgb);
  sheet?.replaceSync(a ? `:root{--accent:light-dark(${a.light.accent},${a.dark.accent});--accent-hover:light-dark(${a.light.hover},${a.dark.hover});--accent-soft:light-dark(${a.light.soft},${a.dark.soft});--on-accent:light-dark(${a.light.on},${a.dark.on});--chart-1:var(--accent)}` : "");
  forgetTokens();
  document.querySelector<HTMLLinkElement>('link[rel="icon"]')?.setAttribute("href", b.logo);
}

/** Once, at the start of a console. The page does not wait for it. */
export function loadBrand(): void {
  if (sheet) document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  createRoot(() => createEffect(on(brand, apply)));
  void fetch("/api/v1/edition", { headers: { Accept: "application/json" } }).then(async (answer) => {
    if (!answer.ok) return;
    const { branding } = (await answer.json()) as { branding: Record<string, unknown> };
    const now = brandOf(branding), text = JSON.stringify(now);
    if (text === JSON.stringify(brand())) return;
    setBrand(now);
    try {
      localStorage.setItem(KEY, text);
    } catch {
      // without storage the next page begins as Perigee and changes
    }
  }).catch(() => undefined); // the service is away: what was shown last goes on
}
