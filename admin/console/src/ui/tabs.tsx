// Tabs by arrow keys, Home and End. What they show is the page's business: `value` may come from the address.
import { createEffect, createUniqueId, For, on, Show, type JSX } from "solid-js";

export interface TabItem {
  value: string;
  label: string;
  count?: number;
}

/** Where tabs are more than fit, the one that is shown is moved into sight; the page itself stays where it is. */
export function showTab(list: HTMLElement, selector: string): void {
  const tab = list.querySelector<HTMLElement>(selector);
  if (!tab) return;
  const [from, to] = [tab.offsetLeft - list.offsetLeft, tab.offsetLeft - list.offsetLeft + tab.offsetWidth];
  if (from < list.scrollLeft) list.scrollLeft = from;
  else if (to > list.scrollLeft + list.clientWidth) list.scrollLeft = to - list.clientWidth;
}

export function Tabs(props: { items: readonly TabItem[]; value: string; onValue: (value: string) => void; label: string; children?: JSX.Element }): JSX.Element {
  const id = createUniqueId();
  let list!: HTMLDivElement;
  createEffect(on(() => props.value, () => queueMicrotask(() => showTab(list, '[aria-selected="true"]'))));
  const move = (e: KeyboardEvent): void => {
    const at = props.items.findIndex((t) => t.value === props.value), last = props.items.length - 1;
    const to = e.key === "ArrowRight" ? (at === last ? 0 : at + 1) : e.key === "ArrowLeft" ? (at <= 0 ? last : at - 1) : e.key === "Home" ? 0 : e.key === "End" ? last : -1;
    if (to < 0) return;
    e.preventDefault();
    props.onValue(props.items[to]!.value);
    (list.children[to] as HTMLElement).focus();
  };
  return (
    <>
      <div ref={list} class="tabs" role="tablist" aria-label={props.label} onKeyDown={move}>
        <For each={props.items}>
          {(t) => (
            <button type="button" role="tab" id={`${id}-${t.value}`} class="tab" aria-selected={t.value === props.value} aria-controls={props.children ? `${id}-panel` : undefined} tabindex={t.value === props.value ? 0 : -1} onClick={() => props.onValue(t.value)}>
              {t.label}<Show when={t.count !== undefined}> <span class="muted num">{t.count}</span></Show>
            </button>
          )}
        </For>
      </div>
      <Show when={props.children}><div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${props.value}`}>{props.children}</div></Show>
    </>
  );
}

/** A choice of few, as one control: timeframes, ranges. */
export function Segmented<T extends string>(props: { items: readonly { value: T; label: string }[]; value: T; onValue: (value: T) => void; label: string }): JSX.Element {
  return (
    <div class="segmented" role="group" aria-label={props.label}>
      <For each={props.items}>{(t) => <button type="button" aria-pressed={t.value === props.value} onClick={() => props.onValue(t.value)}>{t.label}</button>}</For>
    </div>
  );
}
