// A button, and a link that looks like one. While `busy` it cannot be pressed twice and says so to screen readers.
import { A } from "@solidjs/router";
import { Show, splitProps, type JSX } from "solid-js";
import { Icon, type IconName } from "./icons";

interface Look {
  kind?: "primary" | "danger" | "quiet" | "plain";
  solid?: boolean; // of danger: filled, for the last step
  small?: boolean;
  wide?: boolean;
  icon?: IconName;
  /** Shown as the icon alone; children become its label. */
  iconOnly?: boolean;
}

const look = (p: Look & { class?: string }): string =>
  ["button", p.kind && p.kind !== "plain" && p.kind, p.solid && "solid", p.small && "small", p.wide && "wide", p.iconOnly && "icon", p.class].filter(Boolean).join(" ");

export function Button(props: Look & { busy?: boolean } & JSX.ButtonHTMLAttributes<HTMLButtonElement>): JSX.Element {
  const [own, rest] = splitProps(props, ["kind", "solid", "small", "wide", "icon", "iconOnly", "busy", "class", "children", "disabled"]);
  return (
    <button type="button" {...rest} class={look(own)} disabled={own.disabled || own.busy} aria-busy={own.busy || undefined}>
      <Show when={own.busy} fallback={<Show when={own.icon}>{(name) => <Icon name={name()} size={own.small ? 14 : 16} />}</Show>}>
        <span class="spinner" aria-hidden="true" />
      </Show>
      <Show when={own.iconOnly} fallback={own.children}><span class="sr">{own.children}</span></Show>
    </button>
  );
}

export function LinkButton(props: Look & { href: string; class?: string; children: JSX.Element; external?: boolean }): JSX.Element {
  const inner = () => (
    <>
      <Show when={props.icon}>{(name) => <Icon name={name()} size={props.small ? 14 : 16} />}</Show>
      <Show when={props.iconOnly} fallback={props.children}><span class="sr">{props.children}</span></Show>
    </>
  );
  return (
    <Show when={props.external} fallback={<A href={props.href} class={look(props)}>{inner()}</A>}>
      <a href={props.href} class={look(props)} rel="noreferrer">{inner()}</a>
    </Show>
  );
}
