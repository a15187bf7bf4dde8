// Organisations: whose bots and accounts this console is about, who belongs to it, and who is invited.
import { createSignal, For, Show, type JSX } from "solid-js";
import { api, all, ok, type Schemas } from "~/api/client";
import { me, setTenant, tenant } from "~/api/session";
import { useAction } from "~/lib/action";
import { formatDate } from "~/lib/format";
import { createResource } from "~/lib/resource";
import { Badge, Button, ConfirmDialog, Dialog, Empty, ErrorNote, Load, Panel, Select, Table, TextField, toast, toastProblem, type Column } from "~/ui";
import { AccountFrame } from "./frame";

type Org = Schemas["Org"];
type Member = Schemas["Member"];
type Role = Member["role"];
const ROLES: { value: Role; label: string }[] = [{ value: "viewer", label: "Viewer: looks" }, { value: "trader", label: "Trader: runs bots" }, { value: "owner", label: "Owner: everything" }];

function Members(props: { org: Org }): JSX.Element {
  const path = { org_id: props.org.id }, owner = () => props.org.my_role === "owner";
  const [members, { refetch }] = createResource(() => all((cursor) => ok(api.GET("/api/v1/orgs/{org_id}/members", { params: { path, query: { limit: 200, cursor } } })), 1000));
  const [invitations, { refetch: readInvitations }] = createResource(owner, (yes) => (yes ? all((cursor) => ok(api.GET("/api/v1/orgs/{org_id}/invitations", { params: { path, query: { limit: 200, cursor } } })), 1000) : Promise.resolve([])));
  const [email, setEmail] = createSignal("");
  const [role, setRole] = createSignal<Role>("trader");
  const [gone, setGone] = createSignal<Member | null>(null);
  const invite = useAction(async () => {
    await ok(api.POST("/api/v1/orgs/{org_id}/invitations", { params: { path }, body: { email: email().trim(), role: role() } }));
    toast(`${email().trim()} is invited`);
    setEmail("");
    void readInvitations();
  });
  const give = async (m: Member, r: Role): Promise<void> => {
    try {
      await ok(api.PATCH("/api/v1/orgs/{org_id}/members/{user_id}", { params: { path: { ...path, user_id: m.user_id } }, body: { role: r } }));
      toast(`${m.name || m.email} is ${r} now`);
    } catch (e) {
      toastProblem("The role stays as it was", e);
    }
    void refetch();
  };
  const columns: Column<Member>[] = [
    { id: "name", label: "Member", value: (m) => `${m.name} ${m.email}`, lead: true, cell: (m) => <span class="stack-0">{m.name || m.email}<span class="tiny muted">{m.email}</span></span> },
    { id: "role", label: "Role", value: (m) => m.role, cell: (m) => <Show when={owner() && m.user_id !== me()?.id} fallback={<Badge plain>{m.role}</Badge>}><Select hideLabel label={`Role of ${m.email}`} value={m.role} onValue={(v) => void give(m, v as Role)} options={ROLES} /></Show> },
    { id: "since", label: "Since", kind: "number", right: false, value: (m) => m.since_ms, cell: (m) => formatDate(m.since_ms) },
    { id: "end", label: "Remove", bare: true, right: true, value: () => null, cell: (m) => <Show when={owner() || m.user_id === me()?.id}><Button small kind="danger" onClick={() => setGone(m)}>{m.user_id === me()?.id ? "Leave" : "Remove"}</Button></Show> },
  ];
  return (
    <Panel title={`Members of ${props.org.name}`} flush>
      <Load of={members} retry={() => void refetch()}>{(rows) => <Table rows={rows()} columns={columns} key={(m) => m.user_id} label={`Members of ${props.org.name}`} pageSize={20} />}</Load>
      <Show when={owner()}>
        <form class="invite" onSubmit={invite.submit}>
          <TextField label="Invite by mail" type="email" value={email()} onValue={setEmail} required problem={invite.problem()} pointer="/email" />
          <Select label="As" value={role()} onValue={(v) => setRole(v as Role)} options={ROLES} />
          <Button type="submit" busy={invite.busy()}>Invite</Button>
        </form>
        <div class="pad-note"><ErrorNote problem={invite.problem()} /></div>
        <For each={invitations.latest}>
          {(i) => (
            <div class="invited row-between small">
              <span class="break">{i.email} <span class="muted">as {i.role}, until {formatDate(i.expires_at_ms)}</span></span>
              <Button small kind="quiet" onClick={() => void ok(api.DELETE("/api/v1/orgs/{org_id}/invitations/{invitation_id}", { params: { path: { ...path, invitation_id: i.id } } })).then(() => readInvitations(), (e) => toastProblem("The invitation stands still", e))}>Withdraw</Button>
            </div>
          )}
        </For>
      </Show>
      <Show when={gone()}>
        {(m) => (
          <ConfirmDialog title={m().user_id === me()?.id ? `Leave ${props.org.name}?` : `Remove ${m().email}?`} confirm={m().user_id === me()?.id ? "Leave" : "Remove"} danger onClose={() => setGone(null)} action={async () => { await ok(api.DELETE("/api/v1/orgs/{org_id}/members/{user_id}", { params: { path: { ...path, user_id: m().user_id } } })); if (m().user_id === me()?.id) setTenant(""); void refetch(); }}>
            <p>Bots and accounts stay with the organisation; {m().user_id === me()?.id ? "you" : "they"} see nothing of it any more.</p>
          </ConfirmDialog>
        )}
      </Show>
    </Panel>
  );
}

export default function Team(): JSX.Element {
  const [orgs, { refetch }] = createResource(() => all((cursor) => ok(api.GET("/api/v1/orgs", { params: { query: { limit: 200, cursor } } })), 500));
  const [open, setOpen] = createSignal<"new" | "accept" | null>(null);
  const [text, setText] = createSignal("");
  const here = (o: Org): boolean => (tenant() ? o.id === tenant() : o.kind === "personal");
  const go = useAction(async () => {
    const o = open() === "new" ? await ok(api.POST("/api/v1/orgs", { body: { name: text().trim() } })) : await ok(api.POST("/api/v1/orgs/invitations/accept", { body: { token: text().trim().replace(/^.*token=/, "") } }));
    toast(`You belong to ${o.name}`);
    setOpen(null);
    setText("");
    void refetch();
  });
  const work = (o: Org): void => { setTenant(o.kind === "personal" ? "" : o.id); location.assign("/"); };
  return (
    <AccountFrame title="Organisations">
      <Panel title="Where you belong" flush actions={<><Button small kind="quiet" onClick={() => setOpen("accept")}>Accept an invitation</Button><Button small icon="plus" onClick={() => setOpen("new")}>New organisation</Button></>}>
        <Load of={orgs} retry={() => void refetch()}>
          {(list) => (
            <Show when={list().length} fallback={<Empty icon="users" title="Nowhere yet" />}>
              <ul class="orgs">
                <For each={list()}>
                  {(o) => (
                    <li class="row-between">
                      <span class="row"><span class="strong">{o.kind === "personal" ? "Just me" : o.name}</span><Badge plain>{o.my_role}</Badge><Show when={here(o)}><Badge tone="good">shown now</Badge></Show></span>
                      <Show when={!here(o)}><Button small onClick={() => work(o)}>Work in it</Button></Show>
                    </li>
                  )}
                </For>
              </ul>
            </Show>
          )}
        </Load>
      </Panel>
      <For each={orgs.latest?.filter((o) => o.kind === "organisation")}>{(o) => <Members org={o} />}</For>
      <Show when={open()}>
        <Dialog title={open() === "new" ? "New organisation" : "Accept an invitation"} onClose={() => setOpen(null)}>
          <form class="stack" onSubmit={go.submit}>
            <p class="muted">{open() === "new" ? "It has bots, accounts and a plan of its own; members share them by role." : "The mail that invited you has a link; its token is at the end."}</p>
            <TextField label={open() === "new" ? "Name" : "Token or link"} value={text()} onValue={setText} required autofocus maxLength={open() === "new" ? 100 : 400} />
            <ErrorNote problem={go.problem()} />
            <Button type="submit" kind="primary" wide busy={go.busy()}>{open() === "new" ? "Found it" : "Accept"}</Button>
          </form>
        </Dialog>
      </Show>
    </AccountFrame>
  );
}
