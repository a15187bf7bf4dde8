// Dialogs. The focus stays inside, Escape closes, and it returns to where it was. `drawer` comes from the side, for detail beside a
// list. ConfirmDialog is for what cannot be undone: it says what will happen in words, not "are you sure".
import { createSignal, createUniqueId, onCleanup, onMount, Show, type JSX } from "solid-js";
import { Portal } from "solid-js/web";
import { toProblem, type Problem } from "~/api/problem";
import { Button } from "./button";
import { ErrorNote } from "./states";

const FOCUSABLE = 'a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), [tabindex]:not([tabindex="-1"])';

export function Dialog(props: { title: JSX.Element; onClose: () => void; large?: boolean; drawer?: boolean; class?: string; footer?: JSX.Element; children: JSX.Element; role?: "dialog" | "alertdialog" }): JSX.Element {
  const id = createUniqueId();
  let box!: HTMLDivElement;
  const before = document.activeElement as HTMLElement | null;
  const onKey = (e: KeyboardEvent): void => {
    if (e.key === "Escape") {
      e.stopPropagation();
      props.onClose();
    } else if (e.key === "Tab") {
      const all = [...box.querySelectorAll<HTMLElement>(FOCUSABLE)].filter((x) => x.offsetParent !== null);
      const first = all[0] ?? box, last = all[all.length - 1] ?? box, at = document.activeElement;
      if (!box.contains(at)) {
        e.preventDefault();
        first.focus();
      } else if (e.shiftKey && (at === first || at === box)) {
        e.preventDefault();
        last.focus();
      } else if (!e.shiftKey && at === last) {
        e.preventDefault();
        first.focus();
      }
    }
  };
  onMount(() => {
    const first = box.querySelector<HTMLElement>("[autofocus]") ?? box.querySelector<HTMLElement>(`.body :is(${FOCUSABLE})`) ?? box;
    first.focus();
    const overflow = document.body.style.overflow;
    document.body.style.overflow = "hidden";
    // On the document: a button that is busy after a click has lost the focus to the body.
    const key = (e: KeyboardEvent): void => { if ([...document.querySelectorAll(".dialog")].at(-1) === box) onKey(e); };
    document.addEventListener("keydown", key);
    onCleanup(() => {
      document.removeEventListener("keydown", key);
      document.body.style.overflow = overflow;
      before?.focus?.();
    });
  });
  return (
    <Portal>
      <div class="scrim" classList={{ "drawer-scrim": props.drawer }} onMouseDown={(e) => e.target === e.currentTarget && props.onClose()}>
        <div ref={box} class={`dialog ${props.class ?? ""}`} classList={{ large: props.large, drawer: props.drawer }} role={props.role ?? "dialog"} aria-modal="true" aria-labelledby={id} tabindex="-1">
          <header>
            <h2 id={id}>{props.title}</h2>
            <Button kind="quiet" icon="close" iconOnly small onClick={() => props.onClose()}>Close</Button>
          </header>
          <div class="body stack">{props.children}</div>
          <Show when={props.footer}><footer>{props.footer}</footer></Show>
        </div>
      </div>
    </Portal>
  );
}

/** `action` runs when confirmed; the dialog stays open with the problem when it throws, and closes when it does not. */
export function ConfirmDialog(props: { title: JSX.Element; confirm: string; danger?: boolean; action: () => Promise<unknown> | unknown; onClose: () => void; children: JSX.Element; disabled?: boolean }): JSX.Element {
  const [busy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  let cancel!: HTMLButtonElement;
  const run = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await props.action();
      props.onClose();
    } catch (e) {
      setProblem(toProblem(e));
      cancel.focus(); // the pressed button was disabled meanwhile and lost it, and Escape would be heard by nobody
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      role="alertdialog" title={props.title} onClose={props.onClose}
      footer={
        <>
          <Button ref={cancel} onClick={() => props.onClose()} autofocus>Cancel</Button>
          <Button kind={props.danger ? "danger" : "primary"} solid busy={busy()} disabled={props.disabled} onClick={() => void run()}>{props.confirm}</Button>
        </>
      }
    >
      {props.children}
      <ErrorNote problem={problem()} />
    </Dialog>
  );
}
