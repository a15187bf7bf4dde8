// Routes as data: both consoles route by a table of these, and the build reads the paths out of the tables (vite.config.ts), so that
// the server knows which paths are pages.
import { Navigate, Route, Router, useLocation, type RouteSectionProps } from "@solidjs/router";
import { createEffect, createSignal, ErrorBoundary, For, on, Show, type Component, type JSX } from "solid-js";
import { closeLive } from "~/api/live";
import { loadSession, me } from "~/api/session";
import { createResource } from "~/lib/resource";
import type { NavItem } from "./shell";
import { Empty, ErrorState, Skeleton } from "./states";
import { LinkButton } from "./button";

export interface PageRoute {
  path: string; // "/bots/:id"; written out in the table, never made
  page: Component;
  nav?: Omit<NavItem, "href">;
  /** Shown without a session: signing in and what belongs to it. Such pages have no navigation around them. */
  open?: boolean;
}

export const navOf = (routes: readonly PageRoute[]): NavItem[] => routes.flatMap((r) => (r.nav ? [{ ...r.nav, href: r.path }] : []));

function NotFound(): JSX.Element {
  return <Empty icon="search" title="There is no such page" text="The address may be misspelt, or what it showed is gone."><LinkButton href="/">To the beginning</LinkButton></Empty>;
}

// Pages of a session: whoever has none signs in first and comes back.
function Guarded(props: { base?: string; login: string; shell: Component<{ children: JSX.Element }>; children: JSX.Element }): JSX.Element {
  const location = useLocation();
  return (
    <Show when={me()} fallback={<Navigate href={`${props.login}?next=${encodeURIComponent((location.pathname.slice(props.base?.length ?? 0) || "/") + location.search)}`} />}>
      <props.shell>{props.children}</props.shell>
    </Show>
  );
}

export function App(props: { routes: readonly PageRoute[]; base?: string; login: string; shell: Component<{ children: JSX.Element }>; frame?: Component<{ children: JSX.Element }> }): JSX.Element {
  const [session, { refetch }] = createResource(() => loadSession().then(() => true));
  createEffect(on(me, (who, before) => who === null && before && closeLive(), { defer: true }));
  const Private = (p: RouteSectionProps): JSX.Element => <Guarded base={props.base} login={props.login} shell={props.shell}>{p.children}</Guarded>;
  const Public = (p: RouteSectionProps): JSX.Element => (props.frame ? <props.frame>{p.children}</props.frame> : p.children);
  return (
    <ErrorBoundary fallback={(e) => <main class="centered"><ErrorState error={e} /></main>}>
      <Show when={session.state !== "errored"} fallback={<main class="centered"><div class="card"><ErrorState error={session.error} what="The service cannot be reached" onRetry={() => void refetch()} /></div></main>}>
        <Show when={session.latest} fallback={<main class="centered"><div class="card"><Skeleton lines={4} /></div></main>}>
          <Router base={props.base}>
            <Route component={Public}><For each={props.routes.filter((r) => r.open)}>{(r) => <Route path={r.path} component={r.page} />}</For></Route>
            <Route component={Private}>
              <For each={props.routes.filter((r) => !r.open)}>{(r) => <Route path={r.path} component={r.page} />}</For>
              <Route path="*" component={NotFound} />
            </Route>
          </Router>
        </Show>
      </Show>
    </ErrorBoundary>
  );
}

/** Where to go after signing in: what was asked for first, within this console only. */
export function nextOf(search: string): string {
  const next = new URLSearchParams(search).get("next") ?? "/";
  return /^\/(?![/\\])/.test(next) && !next.startsWith("/login") ? next : "/";
}

/** A part of the address, such as an open tab, as a signal: shared by copying the address, and changed at once – the router would wait
 *  for all that the page reads meanwhile. */
export function createQuery(name: string): [() => string | undefined, (value: string | undefined) => void] {
  // A page is made before the browser's address is its own.
  const going = useLocation();
  const [value, setValue] = createSignal(new URLSearchParams(going.pathname === location.pathname ? location.search : going.search).get(name) ?? undefined);
  return [value, (next) => {
    setValue(next);
    const url = new URL(location.href);
    if (next === undefined) url.searchParams.delete(name);
    else url.searchParams.set(name, next);
    history.replaceState(history.state, "", url);
  }];
}
