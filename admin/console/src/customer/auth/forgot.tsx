// A forgotten password: a mail with a link. The answer does not tell whether there is such an account.
import { A } from "@solidjs/router";
import { createSignal, Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { useAction } from "~/lib/action";
import { Button, ErrorNote, Note, TextField } from "~/ui";
import { Card } from "./card";

export default function Forgot(): JSX.Element {
  const [email, setEmail] = createSignal("");
  const [sent, setSent] = createSignal(false);
  const go = useAction(async () => {
    await ok(api.POST("/api/v1/auth/forgot-password", { body: { email: email().trim() } }));
    setSent(true);
  });
  return (
    <Card title="Set a new password" about="We mail you a link that lets you choose one." foot={<A href="/login">Back to signing in</A>}>
      <Show when={!sent()} fallback={<Note tone="good" title="If there is such an account, a mail is on its way"><p class="small">Its link works once, for a short time.</p></Note>}>
        <form class="stack" onSubmit={go.submit}>
          <TextField label="Mail address" type="email" value={email()} onValue={setEmail} autocomplete="username" required autofocus problem={go.problem()} pointer="/email" />
          <ErrorNote problem={go.problem()} />
          <Button type="submit" kind="primary" wide busy={go.busy()}>Send the link</Button>
        </form>
      </Show>
    </Card>
  );
}
