// API keys for programs: made with the rights they need, shown once, deleted at once.
import { createSignal, For, Show, type JSX } from "solid-js";
import { api, all, ok, type Schemas } from "~/api/client";
import { useAction } from "~/lib/action";
import { formatDate } from "~/lib/format";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Button, Checkbox, ConfirmDialog, Dialog, Empty, ErrorNote, Load, Note, Panel, Select, Table, TextField, toast, type Column } from "~/ui";
import { AccountFrame } from "./frame";

type Key = Schemas["ApiKey"];
type Scope = Key["scopes"][number];
const SCOPES: { value: Scope; label: string; about: string }[] = [
  { value: "read", label: "Read", about: "Look at everything but keys and sessions" },
  { value: "trade", label: "Trade", about: "Set up, start and stop bots" },
  { value: "strategies", label: "Strategies", about: "Upload and activate strategies, run backtests" },
];

function NewKey(props: { onClose: () => void; onMade: () => void }): JSX.Element {
  const [name, setName] = createSignal("");
  const [scopes, setScopes] = createSignal<Scope[]>(["read"]);
  const [networks, setNetworks] = createSignal("");
  const [days, setDays] = createSignal("90");
  const [made, setMade] = createSignal("");
  const go = useAction(async () => {
    const list = networks().split(/[\s,]+/).filter(Boolean);
    const reply = await ok(api.POST("/api/v1/me/api-keys", { body: { name: name().trim(), scopes: scopes(), networks: list, ...(days() ? { expires_in_days: Number(days()) } : {}) } }));
    setMade(reply.key);
    props.onMade();
  });
  return (
    <Dialog title={made() ? "Keep this key" : "New API key"} onClose={props.onClose}>
      <Show
        when={!made()}
        fallback={
          <div class="stack">
            <Note tone="warn" title="Shown once"><p class="small">Keep it where your program finds it. Lost, it can only be deleted and made anew.</p></Note>
            <p class="secret mono break" data-testid="key">{made()}</p>
            <div class="row"><Button icon="copy" onClick={() => void navigator.clipboard.writeText(made()).then(() => toast("Copied"), () => toast("The browser does not allow copying", "warn"))}>Copy</Button></div>
            <Button kind="primary" wide onClick={() => props.onClose()}>I have kept it</Button>
          </div>
        }
      >
        <form class="stack" onSubmit={go.submit}>
          <TextField label="Name" hint="What uses it: you will see it in this list." value={name()} onValue={setName} required autofocus maxLength={100} problem={go.problem()} pointer="/name" />
          <fieldset class="fieldset-bare stack-s">
            <legend class="label-text">May</legend>
            <For each={SCOPES}>{(s) => <Checkbox label={s.label} hint={s.about} checked={scopes().includes(s.value)} onChecked={(on) => setScopes(on ? [...scopes(), s.value] : scopes().filter((x) => x !== s.value))} />}</For>
          </fieldset>
          <Select label="Ends" value={days()} onValue={setDays} options={[{ value: "30", label: "After 30 days" }, { value: "90", label: "After 90 days" }, { value: "365", label: "After a year" }, { value: "", label: "Never" }]} />
          <TextField label="Only from these addresses" hint="Optional, such as 203.0.113.7/32; several with commas. Empty: from everywhere." value={networks()} onValue={setNetworks} spellcheck={false} problem={go.problem()} pointer="/networks/0" />
          <ErrorNote problem={go.problem()} />
          <Button type="submit" kind="primary" wide busy={go.busy()} disabled={!scopes().length}>Make the key</Button>
        </form>
      </Show>
    </Dialog>
  );
}

export default function Keys(): JSX.Element {
  const [keys, { refetch }] = createResource(() => all((cursor) => ok(api.GET("/api/v1/me/api-keys", { params: { query: { limit: 200, cursor } } })), 1000));
  const [open, setOpen] = createSignal(false);
  const [gone, setGone] = createSignal<Key | null>(null);
  const columns: Column<Key>[] = [
    { id: "name", label: "Name", value: (k) => k.name, lead: true },
    { id: "hint", label: "Begins with", value: (k) => k.hint, cell: (k) => <code>{k.hint}…</code> },
    { id: "scopes", label: "May", value: (k) => k.scopes.join(" "), cell: (k) => <span class="row"><For each={k.scopes}>{(s) => <Badge plain tone={s === "trade" || s === "admin" ? "warn" : "neutral"}>{s}</Badge>}</For></span> },
    { id: "networks", label: "From", value: (k) => k.networks?.join(" "), cell: (k) => <span class="num small">{k.networks?.length ? k.networks.join(", ") : "everywhere"}</span> },
    { id: "used", label: "Last used", kind: "number", right: false, value: (k) => k.last_used_at_ms, cell: (k) => <Show when={k.last_used_at_ms} fallback={<span class="muted">never</span>}><Ago ms={k.last_used_at_ms} /></Show> },
    { id: "ends", label: "Ends", kind: "number", right: false, value: (k) => k.expires_at_ms, cell: (k) => <span class="num">{k.expires_at_ms ? formatDate(k.expires_at_ms) : "never"}</span> },
    { id: "delete", label: "Delete", bare: true, right: true, value: () => null, cell: (k) => <Button small kind="danger" icon="trash" iconOnly onClick={() => setGone(k)}>{`Delete ${k.name}`}</Button> },
  ];
  return (
    <AccountFrame title="API keys">
      <Panel title="API keys" flush actions={<Button small kind="primary" icon="plus" onClick={() => setOpen(true)}>New key</Button>}>
        <Load of={keys} retry={() => void refetch()}>
          {(rows) => <Table rows={rows()} columns={columns} key={(k) => k.id} label="API keys" pageSize={20} empty={<Empty icon="key" title="No keys yet" text="A key lets a program of yours use this service in your name: /api/v1/openapi.json describes everything it can do."><Button icon="plus" onClick={() => setOpen(true)}>New key</Button></Empty>} />}
        </Load>
      </Panel>
      <Show when={open()}><NewKey onClose={() => setOpen(false)} onMade={() => void refetch()} /></Show>
      <Show when={gone()}>
        {(k) => (
          <ConfirmDialog title={`Delete the key ${k().name}?`} confirm="Delete key" danger onClose={() => setGone(null)} action={async () => { await ok(api.DELETE("/api/v1/me/api-keys/{key_id}", { params: { path: { key_id: k().id } } })); toast("The key works no more"); void refetch(); }}>
            <p>Programs that use it are refused from now on.</p>
          </ConfirmDialog>
        )}
      </Show>
    </AccountFrame>
  );
}
