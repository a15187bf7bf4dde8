// The mail's link: it confirms the address when the reader asks for it, not when a mail program looks at the link.
import { A } from "@solidjs/router";
import { createSignal, Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { useAction } from "~/lib/action";
import { Button, ErrorNote, LinkButton, Note, TextField } from "~/ui";
import { Card, useToken } from "./card";

export default function Verify(): JSX.Element {
  const given = useToken();
  const [typed, setTyped] = createSignal("");
  const [done, setDone] = createSignal(false);
  const go = useAction(async () => {
    await ok(api.POST("/api/v1/auth/verify-email", { body: { token: given() || typed().trim() } }));
    setDone(true);
  });
  return (
    <Card title={done() ? "Welcome" : "Confirm your mail address"} foot={done() ? undefined : <A href="/login">Back to signing in</A>}>
      <Show when={!done()} fallback={<><Note tone="good" title="Your address is confirmed"><p class="small">Sign in with it, set up two-factor authentication, and let a first bot trade on paper.</p></Note><LinkButton kind="primary" wide href="/login">Sign in</LinkButton></>}>
        <form class="stack" onSubmit={go.submit}>
          <Show when={given()} fallback={<TextField label="Token" hint="It stands in the mail, below the link." value={typed()} onValue={setTyped} required minLength={16} class="mono" />}>
            <p class="muted">One step left: confirm that the mail reached you.</p>
          </Show>
          <ErrorNote problem={go.problem()} what={go.problem()?.code === "bad_token" ? "This link is used up or too old" : undefined} />
          <Show when={go.problem()?.code === "bad_token"}><p class="small">If you confirmed before, just <A href="/login">sign in</A>. Else <A href="/register">register once more</A> for a new link.</p></Show>
          <Button type="submit" kind="primary" wide busy={go.busy()}>Confirm address</Button>
        </form>
      </Show>
    </Card>
  );
}
