// What a page shows while there is nothing else: loading, nothing there, an error. And `Load`, which chooses between them.
import { children, ErrorBoundary, For, Show, Suspense, type JSX, type Resource } from "solid-js";
import { hintOf, toProblem, type Problem } from "~/api/problem";
import { Button } from "./button";
import { Icon, type IconName } from "./icons";

export function Skeleton(props: { lines?: number; height?: number }): JSX.Element {
  return (
    <div class="stack-s" role="status" aria-label="Loading">
      <For each={Array.from({ length: props.lines ?? 3 })}>
        {(_, i) => <span class="skeleton" style={{ height: `${props.height ?? 16}px`, width: i() % 3 === 2 ? "62%" : "100%" }} />}
      </For>
    </div>
  );
}

export function SkeletonTiles(props: { count?: number }): JSX.Element {
  return (
    <div class="tiles" role="status" aria-label="Loading">
      <For each={Array.from({ length: props.count ?? 4 })}>{() => <div class="stat stack-s"><span class="skeleton" style={{ height: "14px", width: "55%" }} /><span class="skeleton" style={{ height: "26px", width: "80%" }} /></div>}</For>
    </div>
  );
}

/** Nothing there: say what would be there, and how it gets there (`children`: buttons). */
export function Empty(props: { icon?: IconName; title: string; text?: JSX.Element; children?: JSX.Element }): JSX.Element {
  const ways = children(() => props.children);
  return (
    <div class="empty">
      <Icon name={props.icon ?? "list"} />
      <h3>{props.title}</h3>
      <Show when={props.text}><p>{props.text}</p></Show>
      <Show when={ways()}><div class="row">{ways()}</div></Show>
    </div>
  );
}

/** Said within a page or form. */
export function Note(props: { tone?: "info" | "warn" | "bad" | "good"; title?: JSX.Element; children?: JSX.Element; role?: "alert" | "status" }): JSX.Element {
  return (
    <div class={`note-box ${props.tone ?? "info"}`} role={props.role}>
      <Icon name={props.tone === "good" ? "check" : props.tone === "warn" || props.tone === "bad" ? "warn" : "info"} />
      <div class="grow stack-s"><Show when={props.title}><strong>{props.title}</strong></Show>{props.children}</div>
    </div>
  );
}

/** Its detail, where that says more than the title, as a sentence. */
const sentence = (p: Problem, what: string | undefined): string => {
  const text = p.detail === p.title || p.detail === what ? "" : p.detail;
  return text && text[0]!.toUpperCase() + text.slice(1) + (/[.!?:…]$/.test(text) ? "" : ".");
};

/** A problem within a page or form: what, where, how to mend it; of the service's own faults the request's id, for whoever looks for it. */
export function ErrorNote(props: { problem: Problem | null | undefined; what?: string; onRetry?: () => void }): JSX.Element {
  return (
    <Show when={props.problem}>
      {(p) => (
        <Note tone="bad" role="alert" title={props.what ?? p().title}>
          <Show when={sentence(p(), props.what)}>{(text) => <p>{text()}</p>}</Show>
          <Show when={p().errors.length}>
            <ul class="small">
              <For each={p().errors}>{(e) => <li><code>{e.pointer.replace(/^\//, "").replace(/\//g, " › ") || "request"}</code> {e.detail}</li>}</For>
            </ul>
          </Show>
          <Show when={hintOf(p())}>{(hint) => <p class="small muted">{hint()}</p>}</Show>
          <Show when={p().retryAfterS}>{(s) => <p class="small muted">Try again in {s()} s.</p>}</Show>
          <Show when={p().requestId && (p().status === 0 || p().status >= 500)}><p class="tiny muted">Request <code>{p().requestId}</code></p></Show>
          <Show when={props.onRetry}><div><Button small icon="reload" onClick={() => props.onRetry!()}>Try again</Button></div></Show>
        </Note>
      )}
    </Show>
  );
}

/** In the place of a page or panel that could not be shown. */
export function ErrorState(props: { error: unknown; what?: string; onRetry?: () => void }): JSX.Element {
  const p = () => toProblem(props.error);
  return <Show when={p().status === 404} fallback={<ErrorNote problem={p()} what={props.what} onRetry={props.onRetry} />}>
    <Empty icon="search" title={props.what ?? "Not found"} text={p().detail || hintOf(p())}><Show when={props.onRetry}><Button icon="reload" onClick={() => props.onRetry!()}>Try again</Button></Show></Empty>
  </Show>;
}

/** A resource: skeleton, error with retry, or its value. Keeps showing the last value while it is read again. */
export function Load<T>(props: { of: Resource<T>; retry?: () => void; what?: string; skeleton?: JSX.Element; children: (value: () => NonNullable<T>) => JSX.Element }): JSX.Element {
  return (
    <Show when={props.of.state !== "errored"} fallback={<ErrorState error={props.of.error} what={props.what} onRetry={props.retry} />}>
      <Show when={props.of.latest} fallback={props.skeleton ?? <Skeleton />}>{(v) => props.children(v as () => NonNullable<T>)}</Show>
    </Show>
  );
}

/** Around a whole page: no fault of one page takes the navigation away. */
export function PageBoundary(props: { children: JSX.Element }): JSX.Element {
  return (
    <ErrorBoundary fallback={(e, reset) => <ErrorState error={e} what="This page cannot be shown" onRetry={reset} />}>
      <Suspense fallback={<div class="stack"><Skeleton lines={1} height={28} /><SkeletonTiles /><Skeleton lines={8} /></div>}>{props.children}</Suspense>
    </ErrorBoundary>
  );
}
