// The frame of both consoles: navigation, top bar, banners, the page. And the page's own head.
import { A, useLocation } from "@solidjs/router";
import { children, createEffect, createSignal, For, on, onCleanup, Show, type JSX } from "solid-js";
import { downSince, reconnect } from "~/api/live";
import { brand } from "./brand";
import { Button } from "./button";
import { Icon, type IconName } from "./icons";
import { Menu } from "./menu";
import { PageBoundary } from "./states";
import { density, setDensity, setTheme, theme, type Theme } from "./theme";
import { Toasts } from "./toasts";

export interface NavItem {
  href: string;
  label: string;
  icon: IconName;
  group?: string; // a heading above the first of it
}

const THEMES: { value: Theme; label: string; icon: IconName }[] = [{ value: "light", label: "Light", icon: "sun" }, { value: "dark", label: "Dark", icon: "moon" }, { value: "system", label: "As the system", icon: "system" }];

export function ThemeMenu(): JSX.Element {
  return (
    <Menu label="Appearance" icon={theme() === "dark" ? "moon" : theme() === "light" ? "sun" : "system"}>
      {(close) => (
        <>
          <For each={THEMES}>
            {(t) => <button type="button" role="menuitemradio" aria-checked={theme() === t.value} onClick={() => { setTheme(t.value); close(); }}><Icon name={t.icon} />{t.label}<span class="grow" /><Show when={theme() === t.value}><Icon name="check" /></Show></button>}
          </For>
          <div class="sep" />
          <button type="button" role="menuitemcheckbox" aria-checked={density() === "compact"} onClick={() => { setDensity(density() === "compact" ? "comfortable" : "compact"); close(); }}><Icon name="list" />Compact<span class="grow" /><Show when={density() === "compact"}><Icon name="check" /></Show></button>
        </>
      )}
    </Menu>
  );
}

// A blink of the connection is no news; two seconds are.
function OfflineBanner(): JSX.Element {
  const [shown, setShown] = createSignal(false);
  createEffect(() => {
    if (downSince() === null) return setShown(false);
    const timer = setTimeout(() => setShown(true), 2000);
    onCleanup(() => clearTimeout(timer));
  });
  return (
    <Show when={shown()}>
      <div class="banner" role="status"><Icon name="offline" /><span>Not connected: what you see may be out of date. Bots go on without this page.</span><Button small onClick={reconnect}>Connect now</Button></div>
    </Show>
  );
}

export function Shell(props: { base?: string; brand: JSX.Element; nav: readonly NavItem[]; tools?: JSX.Element; banners?: JSX.Element; children: JSX.Element }): JSX.Element {
  const [open, setOpen] = createSignal(false);
  const location = useLocation();
  createEffect(on(() => location.pathname, () => setOpen(false), { defer: true }));
  const path = (): string => location.pathname.slice(props.base?.length ?? 0) || "/";
  const active = (href: string): boolean => path() === href || (href !== "/" && path().startsWith(`${href}/`));
  return (
    <div class="shell" classList={{ open: open() }} onKeyDown={(e) => e.key === "Escape" && setOpen(false)}>
      <a href="#main" class="skip">To the content</a>
      <nav class="shell-nav" id="nav" aria-label="Main">
        {props.brand}
        <For each={props.nav}>
          {(n, i) => (
            <>
              <Show when={n.group && n.group !== props.nav[i() - 1]?.group}><div class="nav-group">{n.group}</div></Show>
              <A href={n.href} class="nav-link" classList={{ active: active(n.href) }} activeClass="" inactiveClass="" aria-current={active(n.href) ? "page" : undefined}><Icon name={n.icon} size={18} />{n.label}</A>
            </>
          )}
        </For>
      </nav>
      <button type="button" class="nav-scrim" aria-label="Close navigation" tabindex="-1" onClick={() => setOpen(false)} />
      <div class="shell-main">
        <header class="topbar">
          <Button kind="quiet" icon="menu" iconOnly class="menu-toggle" aria-expanded={open()} aria-controls="nav" onClick={() => setOpen(!open())}>Navigation</Button>
          <span class="grow" />
          {props.tools}
          <ThemeMenu />
        </header>
        <OfflineBanner />
        {props.banners}
        <main id="main" class="page" tabindex="-1"><PageBoundary>{props.children}</PageBoundary></main>
      </div>
      <Toasts />
    </div>
  );
}

/** A page's title – the browser's too –, what it belongs to, and what can be done. */
export function PageHead(props: { title: string; heading?: JSX.Element; up?: { href: string; label: string }; children?: JSX.Element }): JSX.Element {
  const tools = children(() => props.children); // read twice they would be made twice
  createEffect(() => (document.title = `${props.title} · ${brand().title}`));
  return (
    <div class="page-head">
      <div class="stack-s grow">
        <Show when={props.up}>{(u) => <A class="crumbs" href={u().href}>‹ {u().label}</A>}</Show>
        <h1 class="row">{props.heading ?? props.title}</h1>
      </div>
      <Show when={tools()}><div class="row">{tools()}</div></Show>
    </div>
  );
}

export function Brand(props: { href: string; tag?: string }): JSX.Element {
  return <A href={props.href} class="brand"><img src={brand().logo} alt="" /><span class="brand-text"><span class="ellipsis">{brand().title}</span> <Show when={props.tag}><span class="tag">{props.tag}</span></Show></span></A>;
}
