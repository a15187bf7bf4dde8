// One person: their plan and what they use of it, and what an operator may do.
import { A, useParams } from "@solidjs/router";
import { createSignal, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { closeLive } from "~/api/live";
import { me, setTenant, signedIn } from "~/api/session";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Button, ConfirmDialog, Load, Money, Note, PageHead, Panel, Select, TextField, Time, toast, toastProblem } from "~/ui";
import { may } from "../lib/may";
import { Id, Role, UserState } from "../lib/parts";
import { Meters } from "../tenants/meters";
import { PlanDialog } from "./plan";

type User = Schemas["AdminUser"];

function SuspendDialog(props: { user: User; onClose: () => void; done: () => void }): JSX.Element {
  const [reason, setReason] = createSignal("");
  const act = async (): Promise<void> => {
    await ok(api.PATCH("/api/v1/admin/users/{user_id}", { params: { path: { user_id: props.user.id } }, body: { suspended: true, reason: reason().trim() || undefined } }));
    toast(`${props.user.email} is suspended`, "warn");
    props.done();
  };
  return (
    <ConfirmDialog title={`Suspend ${props.user.email}`} confirm="Suspend" danger action={act} onClose={props.onClose}>
      <p>All their sessions and API keys stop working at once, and they cannot sign in until you let them. Their bots go on as they are: halt the tenant to stop those.</p>
      <TextField label="Reason" hint="For operators; the customer does not see it" value={reason()} onValue={setReason} maxlength={100} />
    </ConfirmDialog>
  );
}

function LookDialog(props: { user: User; onClose: () => void }): JSX.Element {
  const act = async (): Promise<void> => {
    await ok(api.POST("/api/v1/admin/users/{user_id}/impersonate", { params: { path: { user_id: props.user.id } }, body: { cookie: true } }));
    closeLive();
    setTenant("");
    await signedIn(); // other tabs learn of it
    location.assign("/");
  };
  return (
    <ConfirmDialog title={`See what ${props.user.email} sees`} confirm="Look" action={act} onClose={props.onClose}>
      <p>Their console opens here, read-only, for at most 15 minutes. It stands in their audit log with your name. Other tabs of this browser look too.</p>
    </ConfirmDialog>
  );
}

function RoleDialog(props: { user: User; onClose: () => void; done: () => void }): JSX.Element {
  const [role, setRole] = createSignal<string>(props.user.role);
  const act = async (): Promise<void> => {
    await ok(api.PATCH("/api/v1/admin/users/{user_id}", { params: { path: { user_id: props.user.id } }, body: { role: role() as User["role"] } }));
    toast(`${props.user.email} is ${role().replace("_", " ")} now`);
    props.done();
  };
  return (
    <ConfirmDialog title="Another role" confirm="Give the role" action={act} onClose={props.onClose} disabled={role() === props.user.role}>
      <Select label="Role" value={role()} onValue={setRole} options={[{ value: "user", label: "Customer" }, { value: "support", label: "Support: reads everything" }, { value: "admin", label: "Admin: also changes" }, { value: "super_admin", label: "Super admin: also gives roles" }]} />
    </ConfirmDialog>
  );
}

function Subscription(props: { user: User; done: () => void }): JSX.Element {
  const s = () => props.user.subscription!;
  const [editing, setEditing] = createSignal(false);
  const over = (): boolean => !!props.user.exception?.expires_at_ms && props.user.exception.expires_at_ms <= Date.now();
  const takeBack = async (): Promise<void> => {
    try {
      await ok(api.DELETE("/api/v1/admin/users/{user_id}/plan", { params: { path: { user_id: props.user.id } } }));
      toast("The exception is taken back");
      props.done();
    } catch (e) {
      toastProblem("The exception could not be taken back", e);
    }
  };
  return (
    <Panel title="Plan" actions={<Show when={may("users")}><Button small icon="edit" onClick={() => setEditing(true)}>{props.user.exception && !over() ? "Change exception" : "Grant exception"}</Button></Show>}>
      <div class="stack">
        <dl class="facts">
          <dt>Plan</dt><dd><strong>{s().plan.name}</strong> <Money value={s().plan.monthly_price} currency={s().plan.currency} /> <span class="muted">a month</span></dd>
          <dt>State</dt><dd><Badge tone={s().state === "active" ? "good" : s().state === "past_due" ? "warn" : "info"}>{s().state.replace("_", " ")}</Badge></dd>
          <Show when={s().ends_at_ms}><dt>Ends</dt><dd><Time ms={s().ends_at_ms} /></dd></Show>
          <Show when={s().grace_until_ms}><dt>Grace until</dt><dd><Time ms={s().grace_until_ms} /></dd></Show>
        </dl>
        <Show when={props.user.exception}>
          {(x) => (
            <Note tone="info" title={over() ? "An operator's exception has ended" : "An operator's exception is in force"}>
              <p>{x().plan ? `Plan ${x().plan}` : "The subscription's own plan"}{Object.keys(x().limits).length ? ` with ${Object.entries(x().limits).map(([k, v]) => `${k} ${v ?? "unlimited"}`).join(", ")}` : ""}; {x().expires_at_ms ? <>until <Time ms={x().expires_at_ms} /></> : "until it is taken back"}. Reason: {x().reason}.</p>
              <p class="small muted">Granted <Ago ms={x().created_at_ms} /> by <Show when={x().actor_id} fallback="the operator at the machine">{(id) => <A href={`/users/${id()}`}>{id() === me()?.id ? "you" : id()}</A>}</Show>.</p>
              <Show when={may("users")}><div><Button small onClick={() => void takeBack()}>{over() ? "Remove it" : "Take it back"}</Button></div></Show>
            </Note>
          )}
        </Show>
      </div>
      <Show when={editing()}><PlanDialog user={props.user} onClose={() => setEditing(false)} done={props.done} /></Show>
    </Panel>
  );
}

export default function UserPage(): JSX.Element {
  const params = useParams<{ id: string }>();
  const [user, { refetch }] = createResource(() => params.id, (id) => ok(api.GET("/api/v1/admin/users/{user_id}", { params: { path: { user_id: id } } })));
  const [dialog, setDialog] = createSignal<"" | "suspend" | "look" | "role">("");
  const done = (): void => void refetch();
  const resume = async (): Promise<void> => {
    try {
      await ok(api.PATCH("/api/v1/admin/users/{user_id}", { params: { path: { user_id: params.id } }, body: { suspended: false } }));
      toast("They may sign in again");
      done();
    } catch (e) {
      toastProblem("They could not be let in again", e);
    }
  };
  const resetPassword = async (): Promise<void> => {
    try {
      await ok(api.POST("/api/v1/admin/users/{user_id}/reset-password", { params: { path: { user_id: params.id } } }));
      toast("A mail with a link for a new password is on its way");
    } catch (e) {
      toastProblem("The mail could not be sent", e);
    }
  };
  return (
    <Load of={user} retry={done}>
      {(u) => (
        <>
          <PageHead title={u().email || u().id} up={{ href: "/users", label: "Users" }} heading={<><span class="break">{u().email || u().id}</span><UserState state={u().state} /><Show when={u().role !== "user"}><Role role={u().role} /></Show></>}>
            <Show when={may("impersonate") && u().role === "user" && u().state !== "erased"}><Button icon="users" onClick={() => setDialog("look")}>See what they see</Button></Show>
            <Show when={may("roles") && u().id !== me()?.id}><Button onClick={() => setDialog("role")}>Role</Button></Show>
            <Show when={may("users") && u().state !== "erased"}><Button onClick={() => void resetPassword()}>Reset password</Button></Show>
            <Show when={may("users") && u().state !== "erased" && u().id !== me()?.id}>
              <Show when={u().state === "suspended"} fallback={<Button kind="danger" onClick={() => setDialog("suspend")}>Suspend</Button>}><Button kind="primary" onClick={() => void resume()}>Let them in again</Button></Show>
            </Show>
          </PageHead>
          <div class="stack">
            <Show when={u().state === "suspended"}><Note tone="bad" title="Suspended">{u().suspend_reason || "Without a reason."}</Note></Show>
            <div class="op-grid">
              <Panel title="Person">
                <dl class="facts">
                  <dt>Name</dt><dd>{u().name || "–"}</dd>
                  <dt>Two-factor</dt><dd><Badge tone={u().two_factor ? "good" : "neutral"}>{u().two_factor ? "on" : "off"}</Badge></dd>
                  <dt>Since</dt><dd><Time ms={u().created_at_ms} /></dd>
                  <dt>Id</dt><dd><Id id={u().id} /></dd>
                  <dt>Tenant</dt><dd><Id id={u().tenant_id} /></dd>
                  <dt>More</dt>
                  <dd class="row"><A href={`/bots?tenant=${u().tenant_id}`}>Their bots</A><A href={`/audit?user=${u().id}`}>What they did</A><A href={`/halt?tenant=${u().tenant_id}`}>Halt</A></dd>
                </dl>
              </Panel>
              <Show when={u().subscription}><Subscription user={u()} done={done} /></Show>
            </div>
            <Show when={u().usage}>{(usage) => <Panel title="Usage"><Meters of={usage()} /></Panel>}</Show>
          </div>
          <Show when={dialog() === "suspend"}><SuspendDialog user={u()} onClose={() => setDialog("")} done={done} /></Show>
          <Show when={dialog() === "look"}><LookDialog user={u()} onClose={() => setDialog("")} /></Show>
          <Show when={dialog() === "role"}><RoleDialog user={u()} onClose={() => setDialog("")} done={done} /></Show>
        </>
      )}
    </Load>
  );
}
