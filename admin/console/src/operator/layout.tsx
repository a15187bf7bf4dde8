// The operator console's frame.
import { useNavigate } from "@solidjs/router";
import { createRoot, For, Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { me, refresh, signedOut } from "~/api/session";
import { createResource } from "~/lib/resource";
import { Button, Empty, Icon, LinkButton, Menu } from "~/ui";
import { navOf } from "~/ui/routing";
import { Brand, Shell, ThemeMenu } from "~/ui/shell";
import { Toasts } from "~/ui/toasts";
import { isOperator, may, wantsSecondFactor } from "./lib/may";
import { haltMode } from "./lib/parts";
import { routes } from "./routes";
import "./operator.css";

// What is halted concerns whoever operates, on every page; asked at the start, after each change, and twice a minute.
const { halts, refreshHalts } = createRoot(() => {
  const [halts, { refetch }] = createResource(() => isOperator() && me()?.id, () => ok(api.GET("/api/v1/admin/halt")).catch(() => null));
  setInterval(() => isOperator() && !document.hidden && void refetch(), 30_000);
  return { halts, refreshHalts: () => void refetch() };
});
export { halts, refreshHalts };

function UserMenu(): JSX.Element {
  const navigate = useNavigate();
  const out = async (): Promise<void> => {
    await ok(api.POST("/api/v1/auth/logout")).catch(() => undefined); // over or not: this page forgets it
    signedOut();
    navigate("/login");
  };
  return (
    <Menu label={me()?.email ?? "Account"} icon="user">
      {() => (
        <>
          <div class="small muted ellipsis" style={{ padding: "6px 12px" }}>{me()?.email}, {me()?.role}</div>
          <a role="menuitem" href="/" rel="external"><Icon name="overview" />Customer console</a>
          <div class="sep" />
          <button type="button" role="menuitem" onClick={() => void out()}><Icon name="logout" />Sign out</button>
        </>
      )}
    </Menu>
  );
}

function Banners(): JSX.Element {
  const wide = () => (halts.latest?.items ?? []).filter((h) => h.level === "all" || h.level === "venue");
  return (
    <>
      <Show when={wantsSecondFactor()}>
        <div class="banner" role="status"><Icon name="lock" />Without two-factor authentication you can look and halt, nothing else. Set it up, then sign in with it.<LinkButton small href="/account" external>Account</LinkButton></div>
      </Show>
      <For each={wide()}>
        {(h) => <div class="banner bad" role="status"><Icon name="stop" />{h.level === "all" ? "Everything is halted" : `Venue ${h.id} is halted`}: {haltMode(h.mode).toLowerCase()}{h.by ? `, by ${h.by}` : ""}.<LinkButton small href="/halt">Halt</LinkButton></div>}
      </For>
    </>
  );
}

const nav = () => navOf(routes).filter((n) => n.href !== "/revenue" || may("revenue"));

export function Layout(props: { children: JSX.Element }): JSX.Element {
  return (
    <Shell base="/admin" brand={<Brand href="/" tag="operations" />} nav={isOperator() ? nav() : []} tools={<UserMenu />} banners={<Show when={isOperator()}><Banners /></Show>}>
      <Show when={isOperator()} fallback={
        <Empty icon="lock" title="This is the operators' console" text={me()?.impersonated_by ? "You are looking at a customer's account." : "Your account is a customer's."}>
          <Show when={me()?.impersonated_by} fallback={<LinkButton href="/" external>Customer console</LinkButton>}><Button kind="primary" onClick={() => void refresh()}>Back to my own account</Button></Show>
        </Empty>
      }>{props.children}</Show>
    </Shell>
  );
}

export function Frame(props: { children: JSX.Element }): JSX.Element {
  return (
    <>
      <div class="centered"><main class="card" id="main"><Brand href="/" tag="operations" />{props.children}</main></div>
      <div style={{ position: "fixed", top: "12px", right: "12px" }}><ThemeMenu /></div>
      <Toasts />
    </>
  );
}
