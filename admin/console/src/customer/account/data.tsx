// What is stored about the reader: taken along as a file, or erased.
import { useNavigate } from "@solidjs/router";
import { createSignal, Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { me, signedOut } from "~/api/session";
import { useAction } from "~/lib/action";
import { Button, Dialog, ErrorNote, Note, Panel, saveFile, TextField } from "~/ui";
import { AccountFrame } from "./frame";

export default function Data(): JSX.Element {
  const navigate = useNavigate();
  const [open, setOpen] = createSignal(false);
  const [password, setPassword] = createSignal("");
  const [code, setCode] = createSignal("");
  const [word, setWord] = createSignal("");
  const take = useAction(async () => saveFile("perigee-my-data.json", JSON.stringify(await ok(api.GET("/api/v1/me/export")), null, 2), "application/json"));
  const erase = useAction(async () => {
    await ok(api.DELETE("/api/v1/me", { body: { password: password(), ...(code() ? { code: code().replace(/\s/g, "") } : {}) } }));
    signedOut();
    navigate("/login", { replace: true });
  });
  return (
    <AccountFrame title="Your data">
      <div class="cols-2">
        <Panel title="Take it along">
          <div class="stack">
            <p class="muted">Everything that is stored about you and in your own account as one JSON file: profile, sessions, keys, organisations, the audit log, strategies with every version, bots, subscription, usage. Credentials of venues are not in it: nobody can read them.</p>
            <ErrorNote problem={take.problem()} />
            <div class="row"><Button icon="download" busy={take.busy()} onClick={() => void take.run()}>Export as JSON</Button></div>
          </div>
        </Panel>
        <Panel title="Delete the account">
          <div class="stack">
            <p class="muted">Your bots stop, and what is personal is erased at once: strategies, bots, trades, credentials. It cannot be undone.</p>
            <div class="row"><Button kind="danger" icon="trash" onClick={() => setOpen(true)}>Delete my account</Button></div>
          </div>
        </Panel>
      </div>
      <Show when={open()}>
        <Dialog role="alertdialog" title="Delete your account?" onClose={() => setOpen(false)} footer={<><Button onClick={() => setOpen(false)}>Keep it</Button><Button type="submit" form="erase" kind="danger" solid busy={erase.busy()} disabled={word().trim().toLowerCase() !== "delete"}>Delete for good</Button></>}>
          <form id="erase" class="stack" onSubmit={erase.submit}>
            <Note tone="bad" title="Everything of yours here is erased"><p class="small">Positions at venues stay where they are: close them there, or by your bots, before.</p></Note>
            <TextField label="Password" type="password" value={password()} onValue={setPassword} required autofocus autocomplete="current-password" />
            <Show when={me()?.two_factor}><TextField label="Code" class="code-input" value={code()} onValue={setCode} required autocomplete="one-time-code" maxLength={40} /></Show>
            <TextField label={<>Type <code>delete</code> to say that you mean it</>} value={word()} onValue={setWord} required autocomplete="off" />
            <ErrorNote problem={erase.problem()} />
          </form>
        </Dialog>
      </Show>
    </AccountFrame>
  );
}
