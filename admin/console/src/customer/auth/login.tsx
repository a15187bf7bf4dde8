// Signing in: address and password, then the second factor where there is one.
import { useLocation, useNavigate } from "@solidjs/router";
import { createSignal, Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { toProblem, type Problem } from "~/api/problem";
import { signedIn } from "~/api/session";
import { Button, ErrorNote, TextField } from "~/ui";
import { nextOf } from "~/ui/routing";

export default function Login(): JSX.Element {
  const navigate = useNavigate(), location = useLocation();
  const [email, setEmail] = createSignal("");
  const [password, setPassword] = createSignal("");
  const [code, setCode] = createSignal("");
  const [pending, setPending] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  document.title = "Sign in · Perigee";

  const submit = async (e: SubmitEvent): Promise<void> => {
    e.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      if (pending()) {
        await ok(api.POST("/api/v1/auth/verify-2fa", { body: { pending_token: pending(), code: code().trim(), cookie: true } }));
      } else {
        const reply = await ok(api.POST("/api/v1/auth/login", { body: { email: email(), password: password(), cookie: true } }));
        if (reply.second_factor_required) return void setPending(reply.pending_token ?? "");
      }
      if (await signedIn()) navigate(nextOf(location.search), { replace: true });
    } catch (x) {
      setProblem(toProblem(x));
    } finally {
      setBusy(false);
    }
  };

  return (
    <form class="panel" onSubmit={(e) => void submit(e)}>
      <header><h1>Sign in</h1></header>
      <div class="body stack">
        <Show when={!pending()} fallback={
          <TextField label="Code" hint="Six digits of your authenticator app, or a recovery code" value={code()} onValue={setCode} autocomplete="one-time-code" inputmode="numeric" required autofocus problem={problem()} pointer="/code" />
        }>
          <TextField label="Mail address" type="email" name="email" autocomplete="username" required value={email()} onValue={setEmail} problem={problem()} pointer="/email" />
          <TextField label="Password" type="password" name="password" autocomplete="current-password" required value={password()} onValue={setPassword} problem={problem()} pointer="/password" />
        </Show>
        <ErrorNote problem={problem()} />
        <Button type="submit" kind="primary" wide busy={busy()}>{pending() ? "Continue" : "Sign in"}</Button>
      </div>
    </form>
  );
}
