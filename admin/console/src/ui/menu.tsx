// A button that opens a list of actions: arrow keys, Escape, a click elsewhere.
import { createSignal, createUniqueId, onCleanup, Show, type JSX } from "solid-js";
import { Button } from "./button";
import type { IconName } from "./icons";

export function Menu(props: { label: string; icon?: IconName; text?: JSX.Element; small?: boolean; left?: boolean; children: (close: () => void) => JSX.Element }): JSX.Element {
  const id = createUniqueId();
  const [open, setOpen] = createSignal(false);
  let anchor!: HTMLSpanElement;
  const close = (): void => {
    setOpen(false);
    anchor.querySelector("button")?.focus();
  };
  const outside = (e: MouseEvent): void => {
    if (!anchor.contains(e.target as Node)) setOpen(false);
  };
  document.addEventListener("mousedown", outside);
  onCleanup(() => document.removeEventListener("mousedown", outside));
  const items = (): HTMLElement[] => [...anchor.querySelectorAll<HTMLElement>('[role^="menuitem"]:not(:disabled)')];
  const onKey = (e: KeyboardEvent): void => {
    if (!open()) return;
    const list = items(), at = list.indexOf(document.activeElement as HTMLElement);
    if (e.key === "Escape") close();
    else if (e.key === "ArrowDown") list[(at + 1) % list.length]?.focus();
    else if (e.key === "ArrowUp") list[(at + list.length - 1) % list.length]?.focus();
    else if (e.key === "Tab") setOpen(false);
    else return;
    if (e.key !== "Tab") e.preventDefault();
  };
  const toggle = (): void => {
    setOpen(!open());
    if (open()) queueMicrotask(() => items()[0]?.focus());
  };
  return (
    <span ref={anchor} class="menu-anchor" onKeyDown={onKey}>
      <Button kind="quiet" icon={props.icon} iconOnly={!props.text} small={props.small} aria-haspopup="menu" aria-expanded={open()} aria-controls={open() ? id : undefined} aria-label={props.text ? props.label : undefined} onClick={toggle}>{props.text ?? props.label}</Button>
      <Show when={open()}><div id={id} class="menu" classList={{ left: props.left }} role="menu" aria-label={props.label}>{props.children(close)}</div></Show>
    </span>
  );
}
