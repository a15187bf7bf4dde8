// The operator console's frame.
import { useNavigate } from "@solidjs/router";
import { Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { me, signedOut } from "~/api/session";
import { Empty, Icon, LinkButton, Menu } from "~/ui";
import { navOf } from "~/ui/routing";
import { Brand, Shell, ThemeMenu } from "~/ui/shell";
import { Toasts } from "~/ui/toasts";
import { routes } from "./routes";

function UserMenu(): JSX.Element {
  const navigate = useNavigate();
  const out = async (): Promise<void> => {
    await ok(api.POST("/api/v1/auth/logout")).catch(() => undefined);
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

export function Layout(props: { children: JSX.Element }): JSX.Element {
  return (
    <Shell base="/admin" brand={<Brand href="/" tag="operations" />} nav={me()?.role === "user" ? [] : navOf(routes)} tools={<UserMenu />}>
      <Show when={me()?.role !== "user"} fallback={<Empty icon="lock" title="This is the operators' console" text="Your account is a customer's."><LinkButton href="/" external>Customer console</LinkButton></Empty>}>{props.children}</Show>
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
