// A new hook: what it is called and how senders show that they may post. Everything else is set up on its page.
import { createSignal, Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { useAction } from "~/lib/action";
import { Button, Checkbox, Dialog, ErrorNote, TextField } from "~/ui";
import { newSecret, type Hook } from "./model";
import { TokenDialog } from "./token";

export function CreateHook(props: { onClose: (made: Hook | null) => void }): JSX.Element {
  const [name, setName] = createSignal("TradingView");
  const [guarded, setGuarded] = createSignal(true);
  const [made, setMade] = createSignal<{ hook: Hook; secret: string | null } | null>(null);
  const go = useAction(async () => {
    const secret = guarded() ? newSecret() : null;
    setMade({ hook: await ok(api.POST("/api/v1/hooks", { body: { name: name().trim(), ...(secret ? { body_secret: secret } : {}) } })), secret });
  });
  return (
    <Show when={made()} fallback={
      <Dialog title="New hook" onClose={() => props.onClose(null)} footer={<><Button onClick={() => props.onClose(null)}>Cancel</Button><Button kind="primary" type="submit" form="new-hook" busy={go.busy()} disabled={!name().trim()}>Make the hook</Button></>}>
        <form id="new-hook" class="stack" onSubmit={go.submit}>
          <p class="muted">A hook is an address on this service. What another system posts there – TradingView, an expert adviser, a bot elsewhere – becomes a signal that rules judge and bots hear.</p>
          <TextField label="Name" hint="Bots see it as the signal's source." required maxLength={100} value={name()} onValue={setName} problem={go.problem()} pointer="/name" />
          <Checkbox label="Messages must hold a secret" hint="It is made now and stands in the message to paste. So somebody who learns the address alone cannot post." checked={guarded()} onChecked={setGuarded} />
          <ErrorNote problem={go.problem()} />
        </form>
      </Dialog>
    }>
      {(m) => <TokenDialog fresh hook={m().hook} secret={m().secret} onClose={() => props.onClose(m().hook)} />}
    </Show>
  );
}
