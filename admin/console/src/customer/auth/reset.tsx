// The link of a forgotten password: a new one ends all sessions.
import { A } from "@solidjs/router";
import { createSignal, Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { useAction } from "~/lib/action";
import { Button, Checkbox, ErrorNote, LinkButton, Note, TextField } from "~/ui";
import { Card, PasswordHint, useToken } from "./card";

export default function Reset(): JSX.Element {
  const given = useToken();
  const [typed, setTyped] = createSignal("");
  const [password, setPassword] = createSignal("");
  const [keys, setKeys] = createSignal(false);
  const [done, setDone] = createSignal(false);
  const go = useAction(async () => {
    await ok(api.POST("/api/v1/auth/reset-password", { body: { token: given() || typed().trim(), password: password(), delete_api_keys: keys() } }));
    setDone(true);
  });
  return (
    <Card title={done() ? "All set" : "Choose a new password"} foot={done() ? undefined : <A href="/login">Back to signing in</A>}>
      <Show when={!done()} fallback={<><Note tone="good" title="Your password is new"><p class="small">All sessions have ended. Bots go on.</p></Note><LinkButton kind="primary" wide href="/login">Sign in</LinkButton></>}>
        <form class="stack" onSubmit={go.submit}>
          <Show when={!given()}><TextField label="Token" hint="It stands in the mail, below the link." value={typed()} onValue={setTyped} required minLength={16} class="mono" /></Show>
          <div class="stack-s">
            <TextField label="New password" type="password" value={password()} onValue={setPassword} autocomplete="new-password" required minLength={8} maxLength={256} problem={go.problem()} pointer="/password" />
            <PasswordHint value={password()} />
          </div>
          <Checkbox label="Delete my API keys too" hint="If you fear that somebody else was in. Programs that use them stop working." checked={keys()} onChecked={setKeys} />
          <ErrorNote problem={go.problem()} what={go.problem()?.code === "bad_token" ? "This link is used up or too old" : undefined} />
          <Show when={go.problem()?.code === "bad_token"}><p class="small"><A href="/forgot-password">Ask for a new link</A></p></Show>
          <Button type="submit" kind="primary" wide busy={go.busy()}>Set password</Button>
        </form>
      </Show>
    </Card>
  );
}
