// Signing in: address and password, then a code where two-factor authentication is on. Tokens arrive as cookies that scripts cannot read.
import { A, Navigate } from "@solidjs/router";
import { createSignal, Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { Problem } from "~/api/problem";
import { me, signedIn } from "~/api/session";
import { useAction } from "~/lib/action";
import { Button, ErrorNote, Note, TextField } from "~/ui";
import { Card, useNext } from "./card";

export default function Login(): JSX.Element {
  const next = useNext()(); // now: once it is gone there, the address no longer tells
  const [email, setEmail] = createSignal("");
  const [password, setPassword] = createSignal("");
  const [code, setCode] = createSignal("");
  const [pending, setPending] = createSignal("");

  const enter = async (): Promise<void> => {
    // Whoever is signed in is sent on, below.
    if (!(await signedIn())) throw new Problem(0, "no_cookie", "The browser did not keep the session", "Its cookie is for https, or for this machine's own address http://localhost: open the console there.");
  };
  const first = useAction(async () => {
    const reply = await ok(api.POST("/api/v1/auth/login", { body: { email: email().trim(), password: password(), cookie: true } }));
    if (!reply.second_factor_required) return enter();
    setPending(reply.pending_token ?? "");
  });
  const second = useAction(async () => {
    await ok(api.POST("/api/v1/auth/verify-2fa", { body: { code: code().replace(/\s/g, ""), pending_token: pending(), cookie: true } }));
    await enter();
  });

  return (
    <Show when={!me()} fallback={<Navigate href={next} />}>
      <Show
        when={!pending()}
        fallback={
          <Card title="Enter your code" about="From your authenticator app. Without it at hand, type one of your recovery codes: each works once.">
            <form class="stack" onSubmit={second.submit}>
              <TextField label="Code" class="code-input" value={code()} onValue={setCode} autocomplete="one-time-code" inputmode="text" maxLength={40} required autofocus ref={(e) => queueMicrotask(() => e.focus())} />
              <ErrorNote problem={second.problem()} what={second.problem()?.code === "invalid_credentials" ? "That code does not fit" : undefined} />
              <Button type="submit" kind="primary" wide busy={second.busy()}>Sign in</Button>
              <Button kind="quiet" wide onClick={() => { setPending(""); setCode(""); }}>Start over</Button>
            </form>
          </Card>
        }
      >
        <Card title="Sign in" foot={<>New here? <A href="/register">Create an account</A></>}>
          <form class="stack" onSubmit={first.submit}>
            <TextField label="Mail address" type="email" name="email" value={email()} onValue={setEmail} autocomplete="username" required autofocus />
            <TextField label="Password" type="password" name="password" value={password()} onValue={setPassword} autocomplete="current-password" required />
            <Show when={first.problem()?.code === "not_verified"} fallback={<Show when={first.problem()?.code === "invalid_credentials"} fallback={<ErrorNote problem={first.problem()} />}><Note tone="bad" role="alert" title="Address or password does not fit"><p class="small">Look for a typing error, or <A href="/forgot-password">set a new password</A>.</p></Note></Show>}>
              <Note tone="warn" role="alert" title="Confirm your mail address first"><p class="small">We have sent you a link. Nothing there? <A href="/register">Register again</A> with the same address for a new one.</p></Note>
            </Show>
            <Button type="submit" kind="primary" wide busy={first.busy()}>Sign in</Button>
            <p class="small right"><A href="/forgot-password">Forgot your password?</A></p>
          </form>
        </Card>
      </Show>
    </Show>
  );
}
