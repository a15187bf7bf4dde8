// Short notices of what was done, in a corner; errors stay until they are closed. What belongs to a field or page is shown there instead.
import { createSignal, For, Show, type JSX } from "solid-js";
import { hintOf, toProblem } from "~/api/problem";
import { Button } from "./button";

export type Tone = "good" | "bad" | "warn" | "info";
interface Toast {
  id: number;
  tone: Tone;
  title: string;
  detail?: string;
  action?: { label: string; run: () => void };
}

const [toasts, setToasts] = createSignal<Toast[]>([]);
let next = 1;

export function closeToast(id: number): void {
  setToasts((list) => list.filter((t) => t.id !== id));
}

export function toast(title: string, tone: Tone = "good", detail?: string, action?: Toast["action"]): void {
  const id = next++;
  setToasts((list) => [...list.slice(-3), { id, tone, title, detail, action }]);
  if (tone !== "bad") setTimeout(() => closeToast(id), action ? 10_000 : 5000);
}

/** For an action that failed and has no place of its own to say so. */
export function toastProblem(what: string, e: unknown): void {
  const p = toProblem(e);
  toast(what, "bad", [p.detail || p.title, hintOf(p), p.requestId && `Request ${p.requestId}`].filter(Boolean).join(" "));
}

export function Toasts(): JSX.Element {
  return (
    <div class="toasts" role="region" aria-label="Notices">
      <div role="status" aria-live="polite" class="stack-s">
        <For each={toasts()}>
          {(t) => (
            <div class={`toast ${t.tone}`}>
              <div class="grow stack-s">
                <strong>{t.title}</strong>
                <Show when={t.detail}><span class="small muted break">{t.detail}</span></Show>
                <Show when={t.action}>{(a) => <div><Button small onClick={() => { a().run(); closeToast(t.id); }}>{a().label}</Button></div>}</Show>
              </div>
              <Button kind="quiet" small icon="close" iconOnly onClick={() => closeToast(t.id)}>Close</Button>
            </div>
          )}
        </For>
      </div>
    </div>
  );
}
