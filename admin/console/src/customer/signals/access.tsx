// Who may post, and how much: body secret, signature, addresses, limits. Secrets are given and never shown again.
import { createSignal, Show, type JSX } from "solid-js";
import { useAction } from "~/lib/action";
import { Badge, Button, ConfirmDialog, ErrorNote, Field, Panel, TextField, toast } from "~/ui";
import { newSecret, newSignSecret, TRADINGVIEW_ADDRESSES } from "./model";
import type { HookHandle } from "./page";
import { Copy, Snippet } from "./parts";
import { Alerts } from "./token";

const whole = (text: string): number | undefined => (/^\d+$/.test(text.trim()) ? Number(text.trim()) : undefined);

function Secret(props: { of: HookHandle; kind: "body_secret" | "sign_secret" }): JSX.Element {
  const body = () => props.kind === "body_secret";
  const set = () => (body() ? props.of.hook().body_secret : props.of.hook().signed);
  const [text, setText] = createSignal("");
  const [kept, setKept] = createSignal("");
  const [removing, setRemoving] = createSignal(false);
  const save = useAction(async () => {
    await props.of.patch({ [props.kind]: text() });
    setKept(text());
    setText("");
    toast(body() ? "Messages must hold this secret" : "Messages must be signed with this key");
  });
  return (
    <form class="stack-s" onSubmit={save.submit}>
      <div class="row-between"><h3>{body() ? "Secret in the message" : "Signature"}</h3><Badge tone={set() ? "good" : "neutral"}>{set() ? "asked for" : "not asked for"}</Badge></div>
      <p class="small muted">{body() ? "Each JSON message must hold it. It is cut out before anything is kept, and kept as a hash." : "For senders that can sign: Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature), at most five minutes off. TradingView cannot."}</p>
      <div class="sig-secret">
        <TextField label={set() ? "Another one" : "Secret"} value={text()} onValue={setText} spellcheck={false} autocomplete="off" class="mono" minLength={body() ? 8 : 16} maxLength={200} problem={save.problem()} pointer={`/${props.kind}`} />
        <Button onClick={() => setText(body() ? newSecret() : newSignSecret())}>Make one</Button>
        <Show when={text()}><Copy text={text()} small={false} /></Show>
      </div>
      <ErrorNote problem={save.problem()} />
      <Show when={kept()}>{(k) => <Snippet label="Keep it now: it is not shown again" copy="Copy" text={k()} />}</Show>
      <div class="row">
        <Button type="submit" kind="primary" busy={save.busy()} disabled={text().length < (body() ? 8 : 16)}>{set() ? "Replace" : "Ask for it"}</Button>
        <Show when={set()}><Button kind="danger" onClick={() => setRemoving(true)}>Ask no more</Button></Show>
      </div>
      <Show when={removing()}>
        <ConfirmDialog danger title={body() ? "Ask for no secret?" : "Ask for no signature?"} confirm="Ask no more" onClose={() => setRemoving(false)} action={() => props.of.patch({ [props.kind]: null })}>
          <p>Whoever knows the address can post then{props.of.settings().addresses?.length ? ", from the addresses below" : ""}.</p>
        </ConfirmDialog>
      </Show>
    </form>
  );
}

export function Access(props: { of: HookHandle; onNewAddress: () => void }): JSX.Element {
  const s = () => props.of.settings();
  const [addresses, setAddresses] = createSignal((s().addresses ?? []).join("\n"));
  const [where, setWhere] = createSignal(s().secret_path ?? "");
  const [age, setAge] = createSignal(s().max_age_s ? String(s().max_age_s) : "");
  const [ttl, setTtl] = createSignal(String(s().ttl_s ?? 60));
  const [minute, setMinute] = createSignal(String(s().per_minute ?? 600));
  const list = () => addresses().split(/[\s,]+/).filter(Boolean);
  const bad = (text: string, least: number, most: number): string | undefined => {
    const n = whole(text);
    return n === undefined || n < least || n > most ? `A whole number, ${least} to ${most}.` : undefined;
  };
  const errors = () => ({ age: age().trim() ? bad(age(), 0, 86400) : undefined, ttl: bad(ttl(), 1, 86400), minute: bad(minute(), 1, 600000) });
  const save = useAction(async () => {
    await props.of.patchSettings({ addresses: list().length ? list() : undefined, secret_path: where().trim() || undefined, max_age_s: whole(age()) || undefined, ttl_s: whole(ttl()) === 60 ? undefined : whole(ttl()), per_minute: whole(minute()) === 600 ? undefined : whole(minute()) });
    toast("Saved");
  });
  const at = (name: string) => ({ problem: save.problem(), pointer: `/settings/${name}` });
  const wrongAddress = () => save.problem()?.errors.find((e) => e.pointer.startsWith("/settings/addresses"));
  return (
    <div class="cols-2">
      <div class="stack">
        <Panel title="Secrets"><div class="stack"><Secret of={props.of} kind="body_secret" /><hr /><Secret of={props.of} kind="sign_secret" /></div></Panel>
        <Panel title="The address" actions={<Button small icon="key" onClick={() => props.onNewAddress()}>New address</Button>}>
          <div class="stack">
            <p class="small muted">It was shown when it was made, and is not kept: only its hash is. Below it stands as <code>YOUR ADDRESS</code>.</p>
            <Alerts hook={props.of.hook()} url="YOUR ADDRESS" secret={null} />
          </div>
        </Panel>
      </div>
      <Panel title="From where, how old, how many">
        <form class="stack" onSubmit={save.submit}>
          <Field label="Only from these addresses" hint="One a line: 203.0.113.7 or 10.0.0.0/8. Empty: from everywhere." error={wrongAddress() ? `${list()[Number(wrongAddress()!.pointer.split("/").pop())] ?? ""} ${wrongAddress()!.detail}` : undefined}>
            {(p) => <textarea {...p} class="textarea mono" rows={4} spellcheck={false} value={addresses()} onInput={(e) => setAddresses(e.currentTarget.value)} />}
          </Field>
          <div class="row"><Button small onClick={() => setAddresses([...new Set([...list(), ...TRADINGVIEW_ADDRESSES])].join("\n"))}>Add TradingView's</Button></div>
          <div class="sig-form">
            <TextField label="Secret stands at" hint="In the JSON; empty: secret" class="mono" spellcheck={false} value={where()} onValue={setWhere} placeholder="secret" {...at("secret_path")} />
            <TextField label="Not older than" unit="s" numeric hint="By its own time, and no more than 5 min ahead. Empty: any age; bar times of long bars are old when they come" value={age()} onValue={setAge} error={errors().age} {...at("max_age_s")} />
            <TextField label="Acted upon within" unit="s" numeric hint="Of its coming; later it is too late" value={ttl()} onValue={setTtl} error={errors().ttl} {...at("ttl_s")} />
            <TextField label="Messages in a minute" numeric hint="A sixth of them at once" value={minute()} onValue={setMinute} error={errors().minute} {...at("per_minute")} />
          </div>
          <ErrorNote problem={save.problem()} what="It was not saved" />
          <div class="row"><Button type="submit" kind="primary" busy={save.busy()} disabled={Object.values(errors()).some(Boolean)}>Save</Button></div>
        </form>
      </Panel>
    </div>
  );
}
