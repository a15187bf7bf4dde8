// The pages about the account have one head: which of them is shown is in the address.
import { A, useLocation } from "@solidjs/router";
import { createEffect, For, on, type JSX } from "solid-js";
import { PageHead } from "~/ui";
import { showTab } from "~/ui/tabs";
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
  let list!: HTMLElement;
  createEffect(on(() => location.pathname, () => queueMicrotask(() => showTab(list, '[aria-current="page"]'))));
  return (
    <>
      <PageHead title={props.title === "Profile" ? "Account" : props.title} heading="Account" />
      <nav ref={list} class="tabs" aria-label="Account">
        <For each={PAGES}>{(p) => <A href={p.href} end class="tab" activeClass="" inactiveClass="" classList={{ current: location.pathname === p.href }} aria-current={location.pathname === p.href ? "page" : undefined}>{p.label}</A>}</For>
      </nav>
      {props.children}
    </>
  );
}
