// The customer console's frame: navigation out of the routes, who is signed in, and the kill switch on every page.
import { A, useNavigate } from "@solidjs/router";
import { Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { me, refresh, signedOut } from "~/api/session";
import { Button, Icon, Menu, toastProblem } from "~/ui";
import { brand } from "~/ui/brand";
import { navOf } from "~/ui/routing";
import { Brand, Shell, ThemeMenu } from "~/ui/shell";
import { Toasts } from "~/ui/toasts";
import { HaltBanner, KillSwitch } from "./kill";
import { routes } from "./routes";

export async function signOut(): Promise<void> {
  await ok(api.POST("/api/v1/auth/logout")).catch(() => undefined); // over or not: this page forgets it
  signedOut();
}

function UserMenu(): JSX.Element {
  const navigate = useNavigate();
  return (
    <Menu label={me()?.email ?? "Account"} icon="user">
      {(close) => (
        <>
          <div class="small muted ellipsis" style={{ padding: "6px 12px" }}>{me()?.email}</div>
          <Show when={routes.some((r) => r.path === "/account")}><A role="menuitem" href="/account" onClick={close}><Icon name="settings" />Account</A></Show>
          <Show when={me()?.role !== "user"}><a role="menuitem" href="/admin" rel="external"><Icon name="server" />Operator console</a></Show>
          <div class="sep" />
          <button type="button" role="menuitem" onClick={() => { close(); void signOut().then(() => navigate("/login"), (e) => toastProblem("Signing out failed", e)); }}><Icon name="logout" />Sign out</button>
        </>
      )}
    </Menu>
  );
}

export function Layout(props: { children: JSX.Element }): JSX.Element {
  return (
    <Shell
      brand={<Brand href="/" />} nav={navOf(routes)}
      tools={<><KillSwitch /><UserMenu /></>}
      banners={
        <>
          <Show when={me()?.impersonated_by}><div class="banner bad" role="status"><Icon name="users" />You are looking at {me()?.email}'s account as an operator. Nothing can be changed; this is in the audit log.<Button small onClick={() => void refresh()}>Back to operations</Button></div></Show>
          <HaltBanner />
        </>
      }
    >
      {props.children}
    </Shell>
  );
}

/** Around pages without a session. */
export function Frame(props: { children: JSX.Element }): JSX.Element {
  return (
    <>
      <div class="centered"><main class="card" id="main"><Brand href="/" /><Show when={brand().tagline}><p class="tagline">{brand().tagline}</p></Show>{props.children}</main></div>
      <div style={{ position: "fixed", top: "12px", right: "12px" }}><ThemeMenu /></div>
      <Toasts />
    </>
  );
}
