// Tabs by arrow keys, Home and End. What they show is the page's business: `value` may come from the address.
import { createEffect, createUniqueId, For, on, onCleanup, onMount, Show, Suspense, type JSX } from "solid-js";
import { Skeleton } from "./states";

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

// Each reading of `children` makes them anew: they are read once. What a tab waits for hides that tab alone, not the page.
export function Tabs(props: { items: readonly TabItem[]; value: string; onValue: (value: string) => void; label: string; children?: JSX.Element }): JSX.Element {
  const id = createUniqueId();
  const panel = "children" in props;
  let list!: HTMLDivElement;
  const show = (): void => showTab(list, '[aria-selected="true"]');
  createEffect(on(() => props.value, () => queueMicrotask(show)));
  onMount(() => {
    const narrower = new ResizeObserver(show); // a phone that is turned
    narrower.observe(list);
    onCleanup(() => narrower.disconnect());
  });
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
            <button type="button" role="tab" id={`${id}-${t.value}`} class="tab" aria-selected={t.value === props.value} aria-controls={panel ? `${id}-panel` : undefined} tabindex={t.value === props.value ? 0 : -1} onClick={() => props.onValue(t.value)}>
              {t.label}<Show when={t.count !== undefined}> <span class="muted num">{t.count}</span></Show>
            </button>
          )}
        </For>
      </div>
      <Show when={panel}><div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${props.value}`}><Suspense fallback={<div class="tab-wait"><Skeleton lines={6} /></div>}>{props.children}</Suspense></div></Show>
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
