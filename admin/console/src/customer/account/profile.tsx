// Who one is: name and password.
import { createSignal, Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { loadSession, me } from "~/api/session";
import { useAction } from "~/lib/action";
import { formatDate } from "~/lib/format";
import { Badge, Button, ErrorNote, Panel, TextField, toast } from "~/ui";
import { PasswordHint } from "../auth/card";
import { AccountFrame } from "./frame";

export default function Profile(): JSX.Element {
  const [name, setName] = createSignal(me()?.name ?? "");
  const [old, setOld] = createSignal("");
  const [fresh, setFresh] = createSignal("");
  const rename = useAction(async () => {
    await ok(api.PATCH("/api/v1/me", { body: { name: name().trim() } }));
    await loadSession();
    toast("Your name is saved");
  });
  const change = useAction(async () => {
    await ok(api.PATCH("/api/v1/me", { body: { password: old(), new_password: fresh() } }));
    setOld("");
    setFresh("");
    toast("Your password is new", "good", "All other sessions have ended.");
  });
  return (
    <AccountFrame title="Profile">
      <div class="cols-2">
        <Panel title="Profile">
          <form class="stack" onSubmit={rename.submit}>
            <dl class="facts">
              <dt>Mail address</dt><dd class="row">{me()?.email}<Show when={me()?.email_verified} fallback={<Badge tone="warn">not confirmed</Badge>}><Badge tone="good">confirmed</Badge></Show></dd>
              <dt>Since</dt><dd>{formatDate(me()?.created_at_ms)}</dd>
            </dl>
            <TextField label="Name" value={name()} onValue={setName} required maxLength={100} autocomplete="name" problem={rename.problem()} pointer="/name" />
            <ErrorNote problem={rename.problem()} />
            <div class="row"><Button type="submit" kind="primary" busy={rename.busy()} disabled={!name().trim() || name().trim() === me()?.name}>Save name</Button></div>
          </form>
        </Panel>
        <Panel title="Password">
          <form class="stack" onSubmit={change.submit}>
            <input type="text" class="sr" autocomplete="username" value={me()?.email ?? ""} readonly tabindex="-1" aria-hidden="true" />
            <TextField label="Present password" type="password" value={old()} onValue={setOld} required autocomplete="current-password" problem={change.problem()} pointer="/password" />
            <div class="stack-s">
              <TextField label="New password" type="password" value={fresh()} onValue={setFresh} required minLength={8} maxLength={256} autocomplete="new-password" problem={change.problem()} pointer="/new_password" />
              <PasswordHint value={fresh()} />
            </div>
            <ErrorNote problem={change.problem()} what={change.problem()?.code === "invalid_credentials" ? "The present password does not fit" : undefined} />
            <div class="row"><Button type="submit" kind="primary" busy={change.busy()}>Change password</Button></div>
          </form>
        </Panel>
      </div>
    </AccountFrame>
  );
}
