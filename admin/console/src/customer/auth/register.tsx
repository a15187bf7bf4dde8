// Signing up. The answer is the same whether the address is known or not: who owns it learns more by mail.
import { A } from "@solidjs/router";
import { createSignal, Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { useAction } from "~/lib/action";
import { Button, ErrorNote, Icon, TextField } from "~/ui";
import { Card, PasswordHint } from "./card";

export default function Register(): JSX.Element {
  const [name, setName] = createSignal("");
  const [email, setEmail] = createSignal("");
  const [password, setPassword] = createSignal("");
  const [sent, setSent] = createSignal(false);
  const go = useAction(async () => {
    const body = { email: email().trim(), password: password(), ...(name().trim() ? { name: name().trim() } : {}) };
    await ok(api.POST("/api/v1/auth/register", { body }));
    setSent(true);
  });
  return (
    <Show
      when={!sent()}
      fallback={
        <Card title="Look into your mailbox" foot={<A href="/login">Back to signing in</A>}>
          <div class="row"><Icon name="check" size={28} class="up" /><p class="grow">A mail is on its way to <strong class="break">{email().trim()}</strong>. Its link confirms the address; then you can sign in.</p></div>
          <p class="small muted">The link is good for a day. Nothing after a few minutes? Look among junk mail, or register once more.</p>
        </Card>
      }
    >
      <Card title="Create an account" about="Paper trading from the first minute; nothing to pay, no exchange needed." foot={<>Have one already? <A href="/login">Sign in</A></>}>
        <form class="stack" onSubmit={go.submit}>
          <TextField label="Name" hint="Optional; how mails address you." value={name()} onValue={setName} autocomplete="name" maxLength={100} problem={go.problem()} pointer="/name" />
          <TextField label="Mail address" type="email" value={email()} onValue={setEmail} autocomplete="username" required problem={go.problem()} pointer="/email" />
          <div class="stack-s">
            <TextField label="Password" type="password" value={password()} onValue={setPassword} autocomplete="new-password" required minLength={8} maxLength={256} problem={go.problem()} pointer="/password" />
            <PasswordHint value={password()} />
          </div>
          <ErrorNote problem={go.problem()} />
          <Button type="submit" kind="primary" wide busy={go.busy()}>Create account</Button>
        </form>
      </Card>
    </Show>
  );
}
