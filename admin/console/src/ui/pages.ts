// Lists that the service searches and pages: the first page is read anew when what is asked for changes, further ones are appended.
import { createMemo, createSignal, type Resource } from "solid-js";
import type { Page } from "~/api/client";
import { createResource } from "~/lib/resource";
import { toastProblem } from "./toasts";

export interface Pages<T> {
  /** For Load: the first page's state. */
  of: Resource<Page<T>>;
  rows: () => T[];
  reload: () => void;
  /** For Table's `more`. */
  more: () => { busy: boolean; load: () => void } | null;
}

export function createPages<K, T>(key: () => K, read: (key: K, cursor: string | undefined) => Promise<Page<T>>): Pages<T> {
  const [rest, setRest] = createSignal<Page<T> | null>(null);
  const [busy, setBusy] = createSignal(false);
  // A key that is false or "" is one, too: it is wrapped.
  const [of, { refetch }] = createResource(createMemo(() => ({ key: key() })), async ({ key }) => {
    const page = await read(key, undefined);
    setRest(null);
    return page;
  });
  const next = () => (rest() ? rest()!.next_cursor : of.latest?.next_cursor) ?? null;
  const load = async (): Promise<void> => {
    const cursor = next(), asked = of.latest;
    if (!cursor) return;
    setBusy(true);
    try {
      const page = await read(key(), cursor);
      if (of.latest === asked) setRest((r) => ({ items: [...(r?.items ?? []), ...page.items], next_cursor: page.next_cursor }));
    } catch (e) {
      toastProblem("More could not be loaded", e);
    } finally {
      setBusy(false);
    }
  };
  return {
    of,
    rows: () => [...(of.latest?.items ?? []), ...(rest()?.items ?? [])],
    reload: () => void refetch(),
    more: () => (next() ? { busy: busy(), load: () => void load() } : null),
  };
}
