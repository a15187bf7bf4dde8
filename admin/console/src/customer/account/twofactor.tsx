// Two-factor authentication: password, a QR code for the app, its first code, recovery codes that are shown once.
import { createSignal, For, lazy, Match, Show, Suspense, Switch, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { loadSession, me } from "~/api/session";
import { useAction } from "~/lib/action";
import { Badge, Button, Dialog, ErrorNote, Icon, Note, Panel, saveFile, Skeleton, TextField, toast } from "~/ui";

const Qr = lazy(() => import("./qr"));

function SetUp(props: { onClose: () => void }): JSX.Element {
  const [password, setPassword] = createSignal("");
  const [secret, setSecret] = createSignal<{ secret: string; otpauth_uri: string } | null>(null);
  const [code, setCode] = createSignal("");
  const [codes, setCodes] = createSignal<string[] | null>(null);
  const begin = useAction(async () => {
    setSecret(await ok(api.POST("/api/v1/auth/enable-2fa", { body: { password: password() } })));
    setPassword("");
  });
  const confirm = useAction(async () => {
    const reply = await ok(api.POST("/api/v1/auth/verify-2fa", { body: { code: code().replace(/\s/g, "") } }));
    setCodes(reply.recovery_codes ?? []);
    setSecret(null);
    await loadSession();
  });
  const text = () => (codes() ?? []).join("\n");
  const close = (): void => { if (codes()) toast("Two-factor authentication is on"); props.onClose(); };
  return (
    <Dialog title={codes() ? "Keep your recovery codes" : "Set up two-factor authentication"} onClose={close}>
      <Switch>
        <Match when={!secret() && !codes()}>
          <form class="stack" onSubmit={begin.submit}>
            <p class="muted">You need an authenticator app on your phone: any that makes six-digit codes. First, your password again.</p>
            <TextField label="Password" type="password" value={password()} onValue={setPassword} required autofocus autocomplete="current-password" />
            <ErrorNote problem={begin.problem()} what={begin.problem()?.code === "invalid_credentials" ? "That password does not fit" : undefined} />
            <Button type="submit" kind="primary" wide busy={begin.busy()}>Continue</Button>
          </form>
        </Match>
        <Match when={secret()}>
          {(s) => (
            <form class="stack" onSubmit={confirm.submit}>
              <ol class="steps-list">
                <li>Scan this with the app, or type the key.</li>
                <li>Enter the code that it shows.</li>
              </ol>
              <div class="qr-box"><Suspense fallback={<Skeleton lines={6} />}><Qr text={s().otpauth_uri} label="QR code for your authenticator app" /></Suspense></div>
              <p class="secret mono break" aria-label="Key to type">{s().secret.replace(/(.{4})/g, "$1 ").trim()}</p>
              <TextField label="Code" class="code-input" value={code()} onValue={setCode} required inputmode="numeric" autocomplete="one-time-code" maxLength={10} />
              <ErrorNote problem={confirm.problem()} what={confirm.problem()?.code === "invalid_credentials" ? "That code does not fit: is the phone's clock right?" : undefined} />
              <Button type="submit" kind="primary" wide busy={confirm.busy()}>Turn it on</Button>
            </form>
          )}
        </Match>
        <Match when={codes()}>
          <div class="stack">
            <Note tone="warn" title="Shown once"><p class="small">Without the phone each of these signs you in, once. Print them, or keep them in a password manager.</p></Note>
            <ul class="recovery mono" aria-label="Recovery codes"><For each={codes()!}>{(c) => <li>{c}</li>}</For></ul>
            <div class="row">
              <Button icon="copy" onClick={() => void navigator.clipboard.writeText(text()).then(() => toast("Copied"), () => toast("The browser does not allow copying", "warn"))}>Copy</Button>
              <Button icon="download" onClick={() => saveFile("perigee-recovery-codes.txt", `Recovery codes of ${me()?.email} at ${location.host}\n\n${text()}\n`, "text/plain;charset=utf-8")}>Save as a file</Button>
            </div>
            <Button kind="primary" wide onClick={close}>I have kept them</Button>
          </div>
        </Match>
      </Switch>
    </Dialog>
  );
}

function TurnOff(props: { onClose: () => void }): JSX.Element {
  const [password, setPassword] = createSignal("");
  const [code, setCode] = createSignal("");
  const go = useAction(async () => {
    await ok(api.POST("/api/v1/auth/disable-2fa", { body: { password: password(), code: code().replace(/\s/g, "") } }));
    await loadSession();
    toast("Two-factor authentication is off", "warn");
    props.onClose();
  });
  return (
    <Dialog title="Turn off two-factor authentication?" onClose={props.onClose}>
      <form class="stack" onSubmit={go.submit}>
        <p>Your password alone will open the account. Credentials of venues cannot be stored or changed without it.</p>
        <TextField label="Password" type="password" value={password()} onValue={setPassword} required autocomplete="current-password" />
        <TextField label="Code" class="code-input" value={code()} onValue={setCode} required autocomplete="one-time-code" maxLength={40} hint="Of the app, or a recovery code." />
        <ErrorNote problem={go.problem()} what={go.problem()?.code === "invalid_credentials" ? "Password or code does not fit" : undefined} />
        <Button type="submit" kind="danger" solid wide busy={go.busy()}>Turn it off</Button>
      </form>
    </Dialog>
  );
}

export function TwoFactor(): JSX.Element {
  const [open, setOpen] = createSignal<"on" | "off" | null>(null);
  return (
    <Panel title="Two-factor authentication" actions={<Badge tone={me()?.two_factor ? "good" : "warn"}>{me()?.two_factor ? "on" : "off"}</Badge>}>
      <div class="stack">
        <p class="row"><Icon name="shield" size={20} class={me()?.two_factor ? "up" : "warn"} /><span class="grow">{me()?.two_factor ? "Signing in asks for a code of your app. For credentials of venues, sign in anew with one." : "A code from your phone beside the password: who learns the password alone cannot get in. Venues' credentials are only stored with it."}</span></p>
        <div class="row"><Show when={me()?.two_factor} fallback={<Button kind="primary" icon="shield" onClick={() => setOpen("on")}>Set it up</Button>}><Button kind="danger" onClick={() => setOpen("off")}>Turn it off</Button></Show></div>
      </div>
      <Show when={open() === "on"}><SetUp onClose={() => setOpen(null)} /></Show>
      <Show when={open() === "off"}><TurnOff onClose={() => setOpen(null)} /></Show>
    </Panel>
  );
}
