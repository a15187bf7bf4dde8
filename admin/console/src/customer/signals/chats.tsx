// Chats on Telegram that are linked: from there bots are looked at, paused and halted, and other messages are signals for a hook.
import { createSignal, onCleanup, Show, type JSX } from "solid-js";
import { all, api, ok, type Schemas } from "~/api/client";
import { useAction } from "~/lib/action";
import { createResource } from "~/lib/resource";
import { Ago, Button, ConfirmDialog, Dialog, Empty, ErrorNote, LinkButton, Load, Panel, Select, Table, toast, type Column } from "~/ui";
import type { Hook } from "./model";
import { Snippet } from "./parts";

type Chat = Schemas["Chat"];

function Link(props: { hooks: readonly Hook[]; known: ReadonlySet<string>; read: () => Promise<Chat[]>; onClose: () => void; onLinked: () => void }): JSX.Element {
  const [hook, setHook] = createSignal("");
  const [made, setMade] = createSignal<Schemas["ChatCode"] | null>(null);
  const go = useAction(async () => setMade(await ok(api.POST("/api/v1/signals/chats/code", { body: hook() ? { hook_id: hook() } : {} }))));
  // The other side is a phone: who links there sees it here.
  const timer = setInterval(() => {
    if (!made() || document.hidden) return;
    void props.read().then((list) => {
      const fresh = list.find((c) => !props.known.has(c.id));
      if (!fresh) return;
      toast(`${fresh.name || "The chat"} is linked`);
      props.onLinked();
    }, () => undefined);
  }, 1500);
  onCleanup(() => clearInterval(timer));
  return (
    <Dialog title="Link a chat" onClose={props.onClose} footer={<Show when={!made()} fallback={<Button onClick={() => props.onClose()}>Close</Button>}><Button onClick={() => props.onClose()}>Cancel</Button><Button kind="primary" busy={go.busy()} onClick={() => void go.run()}>Make a code</Button></Show>}>
      <Show when={made()} fallback={
        <div class="stack">
          <p class="muted">From a linked chat you look at your bots, pause, resume and halt them. What is no command may be a signal.</p>
          <Select label="Other messages go to" value={hook()} onValue={setHook} options={[{ value: "", label: "nowhere" }, ...props.hooks.map((h) => ({ value: h.id, label: h.name }))]} />
          <ErrorNote problem={go.problem()} what="No code was made" />
        </div>
      }>
        {(m) => (
          <div class="stack">
            <p>Send this to {m().telegram_bot ? <strong>@{m().telegram_bot}</strong> : "the bot"} on Telegram, once, within ten minutes. This page sees it when it has come.</p>
            <Snippet label="Message" testId="link-code" text={`/link ${m().code}`} />
            <Show when={m().link}>{(href) => <div><LinkButton href={href()} external icon="external">Open Telegram</LinkButton></div>}</Show>
          </div>
        )}
      </Show>
    </Dialog>
  );
}

export function Chats(props: { hooks: readonly Hook[] }): JSX.Element {
  const read = (): Promise<Chat[]> => all((cursor) => ok(api.GET("/api/v1/signals/chats", { params: { query: { limit: 200, cursor } } })));
  const [chats, { refetch }] = createResource(read);
  const [linking, setLinking] = createSignal(false);
  const [ending, setEnding] = createSignal<Chat | null>(null);
  const columns: readonly Column<Chat>[] = [
    { id: "name", label: "Chat", lead: true, value: (c) => c.name, cell: (c) => <span class="strong">{c.name || "a chat"}</span> },
    { id: "hook", label: "Messages go to", value: (c) => props.hooks.find((h) => h.id === c.hook_id)?.name ?? "", cell: (c) => <Show when={c.hook_id} fallback={<span class="muted">commands only</span>}>{props.hooks.find((h) => h.id === c.hook_id)?.name ?? "a hook that is gone"}</Show> },
    { id: "since", label: "Linked", kind: "number", right: false, value: (c) => c.linked_at_ms, cell: (c) => <Ago ms={c.linked_at_ms} /> },
    { id: "act", label: "", bare: true, right: true, value: () => "", cell: (c) => <Button small kind="quiet" icon="trash" iconOnly onClick={() => setEnding(c)}>Link {c.name} no more</Button> },
  ];
  return (
    <>
      <Panel flush title="Telegram chats" actions={<Button small icon="plus" onClick={() => setLinking(true)}>Link a chat</Button>}>
        <Load of={chats} retry={() => void refetch()} what="The chats cannot be listed">
          {(list) => <Table label="Telegram chats" rows={list()} columns={columns} key={(c) => c.id} empty={<Empty icon="signal" title="No chat is linked" text="Signals from a chat, and commands for your bots from your phone." />} />}
        </Load>
      </Panel>
      <Show when={linking()}><Link hooks={props.hooks} known={new Set((chats.latest ?? []).map((c) => c.id))} read={read} onClose={() => setLinking(false)} onLinked={() => { setLinking(false); void refetch(); }} /></Show>
      <Show when={ending()}>
        {(c) => (
          <ConfirmDialog danger title={`Link ${c().name || "this chat"} no more?`} confirm="Link it no more" onClose={() => setEnding(null)} action={async () => {
            await ok(api.DELETE("/api/v1/signals/chats/{chat_id}", { params: { path: { chat_id: c().id } } }));
            void refetch();
          }}><p>Nothing that is written there is heard any more.</p></ConfirmDialog>
        )}
      </Show>
    </>
  );
}
