// Channels: where notices go. Made, proven by a code, tried, disabled, deleted.
import { createSignal, Show, type JSX } from "solid-js";
import { all, api, ok, type Schemas } from "~/api/client";
import { useAction } from "~/lib/action";
import { createResource } from "~/lib/resource";
import { every } from "~/lib/throttle";
import { Ago, Badge, Button, ConfirmDialog, Dialog, Empty, ErrorNote, Icon, Load, Menu, Note, Panel, Select, Skeleton, Table, TextField, toast, toastProblem, type Column } from "~/ui";
import { Snippet } from "~/customer/signals/parts";
import { CHANNEL_STATES, KINDS, SENDING_STATES, underWay, type Channel, type Kind } from "./model";

export const readChannels = (): Promise<Channel[]> => all((cursor) => ok(api.GET("/api/v1/notifications/channels", { params: { query: { limit: 200, cursor } } })));
const path = (c: Pick<Channel, "id">) => ({ path: { channel_id: c.id } });

/** Eight digits, and another one. */
function Code(props: { channel: Channel; onProven: (c: Channel) => void }): JSX.Element {
  const [code, setCode] = createSignal("");
  const give = useAction(async () => props.onProven(await ok(api.POST("/api/v1/notifications/channels/{channel_id}/verify", { params: path(props.channel), body: { code: code() } }))));
  const again = useAction(async () => {
    await ok(api.POST("/api/v1/notifications/channels/{channel_id}/code", { params: path(props.channel) }));
    toast("Another code is on its way");
  });
  return (
    <form class="stack" onSubmit={give.submit}>
      <p>A code of eight digits was sent to <strong class="break">{props.channel.address}</strong>. It holds for half an hour; nothing else goes there before it is given.</p>
      <TextField label="Code" class="code-input" inputmode="numeric" autocomplete="one-time-code" maxLength={8} autofocus value={code()} onValue={(v) => setCode(v.replace(/\D/g, ""))} problem={give.problem()} pointer="/code" />
      <ErrorNote problem={give.problem()?.errors.length ? null : give.problem()} />
      <ErrorNote problem={again.problem()} what="No other code was sent" />
      <div class="row"><Button type="submit" kind="primary" busy={give.busy()} disabled={code().length !== 8}>Prove it</Button><Button busy={again.busy()} onClick={() => void again.run()}>Send another</Button></div>
    </form>
  );
}

function NewChannel(props: { onClose: () => void; onMade: () => void }): JSX.Element {
  const [info] = createResource(() => ok(api.GET("/api/v1/notifications/events")));
  const [kind, setKind] = createSignal<Kind>("mail");
  const [address, setAddress] = createSignal("");
  const [name, setName] = createSignal("");
  const [made, setMade] = createSignal<Channel | null>(null);
  const about = () => KINDS[kind()];
  const offered = () => info.latest?.kinds.find((k) => k.kind === kind());
  const why = () => (offered() && (!offered()!.available || !offered()!.included) ? offered()!.why || "Your plan does not include it." : "");
  const go = useAction(async () => {
    const c = await ok(api.POST("/api/v1/notifications/channels", { body: { kind: kind(), address: address().trim(), ...(name().trim() ? { name: name().trim() } : {}) } }));
    props.onMade();
    if (c.state === "unverified" || c.sign_secret) setMade(c);
    else {
      toast(`${c.name} is there`);
      props.onClose();
    }
  });
  const proven = (): void => {
    toast("Proven: notices go there from now on");
    props.onMade();
    props.onClose();
  };
  return (
    <Show when={made()} fallback={
      <Dialog title="New channel" onClose={props.onClose} footer={<><Button onClick={() => props.onClose()}>Cancel</Button><Button kind="primary" type="submit" form="new-channel" busy={go.busy()} disabled={!address().trim() || !!why()}>Add</Button></>}>
        <Load of={info}>
          {(i) => (
            <form id="new-channel" class="stack" onSubmit={go.submit}>
              <Select label="Kind" value={kind()} onValue={(v) => { setKind(v as Kind); go.clear(); }} options={i().kinds.map((k) => ({ value: k.kind, label: `${KINDS[k.kind].label}${k.available && k.included ? "" : " (not available)"}` }))} />
              <Show when={why()}>{(w) => <Note tone="warn"><p>{w()}</p></Note>}</Show>
              <Show when={kind() === "telegram" && i().telegram_bot}>{(bot) => <Note><p>Open a chat with <strong>@{bot()}</strong> on Telegram and press Start; then give the chat's number here.</p></Note>}</Show>
              <TextField label={about().address} hint={about().hint} placeholder={about().sample} required spellcheck={false} autocomplete="off" value={address()} onValue={setAddress} problem={go.problem()} pointer="/address" />
              <TextField label="Name" hint="Yours; without one, the address." maxLength={100} value={name()} onValue={setName} problem={go.problem()} pointer="/name" />
              <ErrorNote problem={go.problem()} />
            </form>
          )}
        </Load>
      </Dialog>
    }>
      {(c) => (
        <Dialog title={c().sign_secret ? "Keep its secret" : `Prove ${c().name}`} onClose={props.onClose} footer={c().sign_secret ? <Button kind="primary" onClick={() => props.onClose()}>I have kept it</Button> : undefined}>
          <Show when={c().sign_secret} fallback={<Code channel={c()} onProven={proven} />}>
            {(s) => <><Note tone="warn" title="Shown once"><p class="small">Your receiver checks the signature of each message with it.</p></Note><Snippet label="Signing secret" testId="sign-secret" text={s()} /></>}
          </Show>
        </Dialog>
      )}
    </Show>
  );
}

function Change(props: { channel: Channel; what: "name" | "address"; onClose: () => void; onDone: (c: Channel) => void }): JSX.Element {
  const naming = () => props.what === "name";
  const [text, setText] = createSignal(naming() ? props.channel.name : "");
  const go = useAction(async () => {
    const c = await ok(api.PATCH("/api/v1/notifications/channels/{channel_id}", { params: { ...path(props.channel), header: {} }, body: { [props.what]: text().trim() } }));
    props.onClose();
    props.onDone(c);
  });
  return (
    <Dialog title={naming() ? "Rename the channel" : "Another address"} onClose={props.onClose} footer={<><Button onClick={() => props.onClose()}>Cancel</Button><Button kind="primary" type="submit" form="change-channel" busy={go.busy()} disabled={!text().trim()}>{naming() ? "Rename" : "Change"}</Button></>}>
      <form id="change-channel" class="stack" onSubmit={go.submit}>
        <TextField label={naming() ? "Name" : KINDS[props.channel.kind].address} hint={naming() ? undefined : KINDS[props.channel.kind].hint} required spellcheck={false} value={text()} onValue={setText} problem={go.problem()} pointer={`/${props.what}`} />
        <ErrorNote problem={go.problem()} />
      </form>
    </Dialog>
  );
}

export function Channels(): JSX.Element {
  const [list, { refetch }] = createResource(readChannels);
  const [creating, setCreating] = createSignal(false);
  const [proving, setProving] = createSignal<Channel | null>(null);
  const [changing, setChanging] = createSignal<{ channel: Channel; what: "name" | "address" } | null>(null);
  const [deleting, setDeleting] = createSignal<Channel | null>(null);
  const [secret, setSecret] = createSignal<Channel | null>(null);
  const [testing, setTesting] = createSignal("");
  const again = (): void => void refetch();
  every(4000, again); // a receiver that is gone is disabled by itself

  const test = async (c: Channel): Promise<void> => {
    setTesting(c.id);
    try {
      const { notice_id } = await ok(api.POST("/api/v1/notifications/channels/{channel_id}/test", { params: path(c) }));
      let s: Schemas["NoticeSending"] | undefined;
      for (let i = 0; i < 20 && (!s || underWay(s)); i++) {
        await new Promise((done) => setTimeout(done, 400));
        s = (await ok(api.GET("/api/v1/notifications/{notice_id}", { params: { path: { notice_id } } }))).sendings[0];
        if (s?.state === "waiting" && s.attempts > 0) break; // refused once: tried again later
      }
      if (s?.state === "sent") toast(`The test has arrived at ${c.name}`);
      else if (s?.state === "handed") toast("The test is in the mail queue", "info", "What becomes of it stands under What was told.");
      else toast(`Test to ${c.name}: ${s ? SENDING_STATES[s.state].label : "on its way"}`, s?.state === "failed" || s?.reason ? "warn" : "info", s?.reason || "What becomes of it stands under What was told.");
    } catch (e) {
      toastProblem("The test was not sent", e);
    }
    setTesting("");
    again();
  };
  const turn = async (c: Channel): Promise<void> => {
    try {
      await ok(api.PATCH("/api/v1/notifications/channels/{channel_id}", { params: { ...path(c), header: {} }, body: { enabled: c.state === "disabled" } }));
      toast(c.state === "disabled" ? `${c.name} gets notices again` : `${c.name} gets nothing any more`);
    } catch (e) {
      toastProblem("It could not be changed", e);
    }
    again();
  };
  const columns: readonly Column<Channel>[] = [
    { id: "name", label: "Channel", lead: true, value: (c) => c.name, cell: (c) => <span class="stack-0"><span class="strong break">{c.name}</span><span class="small muted break">{KINDS[c.kind].label}{c.name === c.address ? "" : ` · ${c.address}`}</span></span> },
    { id: "state", label: "State", value: (c) => CHANNEL_STATES[c.state].label, cell: (c) => <span class="stack-0"><span class="row"><Badge tone={c.state === "active" && c.failing_since_ms ? "warn" : CHANNEL_STATES[c.state].tone}>{c.state === "active" && c.failing_since_ms ? "Nothing goes through" : CHANNEL_STATES[c.state].label}</Badge><Show when={c.own}><Badge plain tone="info">your own</Badge></Show></span><Show when={c.reason || c.last_error}>{(why) => <span class="small muted break">{why()}</span>}</Show></span> },
    { id: "sent", label: "Last sent", kind: "number", right: false, value: (c) => c.last_sent_at_ms, cell: (c) => <Show when={c.last_sent_at_ms} fallback={<span class="muted">never</span>}><Ago ms={c.last_sent_at_ms} /></Show> },
    { id: "act", label: "Actions", bare: true, right: true, value: () => "", cell: (c) => (
      <span class="row nt-act">
        <Show when={c.state === "unverified"}><Button small kind="primary" onClick={() => setProving(c)}>Give the code<span class="sr"> of {c.name}</span></Button></Show>
        <Show when={c.state === "active"}><Button small busy={testing() === c.id} onClick={() => void test(c)}>Test<span class="sr"> {c.name}</span></Button></Show>
        <Show when={c.state === "disabled"}><Button small onClick={() => void turn(c)}>Enable<span class="sr"> {c.name}</span></Button></Show>
        <Menu label={`More of ${c.name}`} icon="more" small>
          {(close) => (
            <>
              <button type="button" role="menuitem" onClick={() => { close(); setChanging({ channel: c, what: "name" }); }}><Icon name="edit" />Rename</button>
              <Show when={!c.own}>
                <button type="button" role="menuitem" onClick={() => { close(); setChanging({ channel: c, what: "address" }); }}><Icon name="swap" />Another address</button>
                <Show when={c.kind === "webhook"}><button type="button" role="menuitem" onClick={() => { close(); void ok(api.POST("/api/v1/notifications/channels/{channel_id}/secret", { params: path(c) })).then(setSecret, (e) => toastProblem("No secret was made", e)); }}><Icon name="key" />New secret</button></Show>
                <Show when={c.state === "active"}><button type="button" role="menuitem" onClick={() => { close(); void turn(c); }}><Icon name="pause" />Disable</button></Show>
                <div class="sep" />
                <button type="button" role="menuitem" class="danger" onClick={() => { close(); setDeleting(c); }}><Icon name="trash" />Delete</button>
              </Show>
            </>
          )}
        </Menu>
      </span>
    ) },
  ];
  return (
    <>
      <Panel flush title="Channels" actions={<Button small kind="primary" icon="plus" onClick={() => setCreating(true)}>New channel</Button>}>
        <Load of={list} retry={again} what="The channels cannot be listed" skeleton={<div class="pad"><Skeleton lines={4} height={24} /></div>}>
          {(rows) => <Table label="Channels" rows={rows()} columns={columns} key={(c) => c.id} pageSize={50} empty={<Empty icon="bell" title="No channels yet" text="Mail, Telegram, Discord, Slack, SMS or a program of your own."><Button kind="primary" icon="plus" onClick={() => setCreating(true)}>Add one</Button></Empty>} />}
        </Load>
      </Panel>
      <Show when={creating()}><NewChannel onClose={() => setCreating(false)} onMade={again} /></Show>
      <Show when={proving()}>{(c) => <Dialog title={`Prove ${c().name}`} onClose={() => setProving(null)}><Code channel={c()} onProven={() => { setProving(null); toast("Proven: notices go there from now on"); again(); }} /></Dialog>}</Show>
      <Show when={changing()}>{(x) => <Change channel={x().channel} what={x().what} onClose={() => setChanging(null)} onDone={(c) => { again(); if (c.state === "unverified") setProving(c); }} />}</Show>
      <Show when={secret()}>{(c) => <Dialog title="A new secret" onClose={() => setSecret(null)} footer={<Button kind="primary" onClick={() => setSecret(null)}>I have kept it</Button>}><Note tone="warn" title="Shown once"><p class="small">For a day the old one signs too, so your receiver may change over in peace.</p></Note><Snippet label="Signing secret" text={c().sign_secret ?? ""} /></Dialog>}</Show>
      <Show when={deleting()}>
        {(c) => (
          <ConfirmDialog danger title={`Delete ${c().name}?`} confirm="Delete it" onClose={() => setDeleting(null)} action={async () => {
            await ok(api.DELETE("/api/v1/notifications/channels/{channel_id}", { params: path(c()) }));
            toast(`${c().name} is deleted`);
            again();
          }}><p>What waits for it is not sent, and nothing goes there any more.</p></ConfirmDialog>
        )}
      </Show>
    </>
  );
}
