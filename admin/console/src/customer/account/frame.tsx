// The pages about the account have one head: which of them is shown is in the address.
import { A, useLocation } from "@solidjs/router";
import { For, type JSX } from "solid-js";
import { PageHead } from "~/ui";
import "./account.css";

const PAGES = [
  { href: "/account", label: "Profile" },
  { href: "/account/security", label: "Security" },
  { href: "/account/keys", label: "API keys" },
  { href: "/account/plan", label: "Plan and usage" },
  { href: "/account/team", label: "Organisations" },
  { href: "/account/data", label: "Your data" },
];

export function AccountFrame(props: { title: string; children: JSX.Element }): JSX.Element {
  const location = useLocation();
  return (
    <>
      <PageHead title={props.title === "Profile" ? "Account" : props.title} heading="Account" />
      <nav class="tabs" aria-label="Account">
        <For each={PAGES}>{(p) => <A href={p.href} end class="tab" activeClass="" inactiveClass="" classList={{ current: location.pathname === p.href }} aria-current={location.pathname === p.href ? "page" : undefined}>{p.label}</A>}</For>
      </nav>
      {props.children}
    </>
  );
}
