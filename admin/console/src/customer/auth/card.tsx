// What the pages around signing in share: a card with a title, and where to go next.
import { useSearchParams } from "@solidjs/router";
import { createEffect, Show, type JSX } from "solid-js";
import { brand } from "~/ui/brand";
import "./auth.css";

export function Card(props: { title: string; about?: JSX.Element; foot?: JSX.Element; children: JSX.Element }): JSX.Element {
  createEffect(() => (document.title = `${props.title} · ${brand().title}`));
  return (
    <section class="panel auth-card">
      <div class="body stack">
        <div class="stack-s">
          <h1>{props.title}</h1>
          <Show when={props.about}><p class="muted">{props.about}</p></Show>
        </div>
        {props.children}
      </div>
      <Show when={props.foot}><footer class="auth-foot">{props.foot}</footer></Show>
    </section>
  );
}

/** Where the reader wanted to go: a path of this console, never elsewhere. */
export function useNext(): () => string {
  const [search] = useSearchParams();
  return () => {
    const next = typeof search.next === "string" ? search.next : "";
    return /^\/(?![/\\])/.test(next) && !next.startsWith("/login") ? next : "/";
  };
}

export function useToken(): () => string {
  const [search] = useSearchParams();
  return () => (typeof search.token === "string" ? search.token : "");
}

/** How hard a password is to guess, roughly: the service has the last word, and refuses common ones. */
export function PasswordHint(props: { value: string }): JSX.Element {
  const points = (): number => {
    const v = props.value, kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((r) => r.test(v)).length;
    return v.length < 8 ? 0 : Math.min(4, 1 + Number(v.length >= 12) + Number(v.length >= 16) + Number(kinds >= 3 || v.length >= 20));
  };
  return (
    <div class="strength" data-points={points()}>
      <span class="bar" aria-hidden="true"><i /><i /><i /><i /></span>
      <span class="tiny muted" aria-live="polite">{props.value ? ["Too short: at least 8 characters", "Easy to guess", "Fair", "Good", "Strong"][points()] : "At least 8 characters; a sentence is best"}</span>
    </div>
  );
}
