// Who did what. Each tenant's entries are a chain of hashes, checked from the first on; new ones appear as they are written.
import { A, useSearchParams } from "@solidjs/router";
import { createSignal, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { useChannel } from "~/api/live";
import { formatCount } from "~/lib/format";
import { Button, Dialog, Empty, Load, Note, PageHead, Panel, Table, Time, toastProblem, type Column } from "~/ui";
import { createPages } from "~/ui/pages";
import { Filter, Id } from "../lib/parts";

type Entry = Schemas["AuditEntry"];
type Verdict = Schemas["AuditVerification"];

const GROUPS = ["halt.", "script.", "admin.", "user.", "plan.", "bot.", "login", "key.", "account", "order.", "password."];

function Verify(): JSX.Element {
  const [busy, setBusy] = createSignal(false);
  const [verdict, setVerdict] = createSignal<Verdict | null>(null);
  const run = async (): Promise<void> => {
    setBusy(true);
    try {
      setVerdict(await ok(api.POST("/api/v1/admin/audit/verify")));
    } catch (e) {
      toastProblem("The log could not be checked", e);
    }
    setBusy(false);
  };
  return (
    <>
      <Show when={verdict()}>
        {(v) => (
          <Show when={v().fault} fallback={<Note tone="good" role="status" title="The log is as it was written"><p>{formatCount(v().rows)} entries in {formatCount(v().chains)} chains and {formatCount(v().signatures)} signatures fit, checked <Time ms={v().at_ms} />.</p></Note>}>
            {(f) => (
              <Note tone="bad" role="alert" title="The log was changed">
                <p>{f().what}.</p>
                <p class="small">{f().tenant_id ? <>Chain of <Id id={f().tenant_id} /></> : "The site's chain"}, entry {f().seq}. {formatCount(v().rows)} entries before it fit. Compare with a backup.</p>
              </Note>
            )}
          </Show>
        )}
      </Show>
      <div><Button icon="shield" busy={busy()} onClick={() => void run()}>Check the whole chain</Button></div>
    </>
  );
}

const link = (object: string): JSX.Element =>
  object.startsWith("bot_") ? <A href={`/bots/${object}`}>{object}</A> : object.startsWith("usr_") ? <A href={`/users/${object}`}>{object}</A> : object.startsWith("str_") ? <A href={`/scripts/${object}`}>{object}</A> : object;

export default function Audit(): JSX.Element {
  const [params, setParams] = useSearchParams<{ action?: string; user?: string; object?: string }>();
  const pages = createPages(() => ({ ...params }), (p, cursor) => ok(api.GET("/api/v1/admin/audit", { params: { query: { limit: 100, cursor, action: p.action, user_id: p.user, object: p.object } } })));
  const [fresh, setFresh] = createSignal(0);
  const [open, setOpen] = createSignal<Entry | null>(null);
  // What was written just before may be told again; ids grow with time.
  const newest = () => pages.of.latest?.items[0]?.id ?? "";
  useChannel("audit", { events: (events) => setFresh((n) => n + events.filter((e) => (e.data as Entry).id > newest()).length) });
  const reload = (): void => {
    setFresh(0);
    pages.reload();
  };
  const columns: readonly Column<Entry>[] = [
    { id: "time", label: "When", value: (e) => e.at_ms, cell: (e) => <Time ms={e.at_ms} /> },
    { id: "action", label: "What", value: (e) => e.action, lead: true, cell: (e) => <code>{e.action}</code> },
    { id: "who", label: "Who", value: (e) => e.user ?? e.user_id, cell: (e) => <Show when={e.user_id} fallback={<span class="muted">the machine</span>}><A href={`/audit?user=${e.user_id}`}>{e.user ?? e.user_id}</A></Show> },
    { id: "actor", label: "As them", value: (e) => e.actor ?? e.actor_id, cell: (e) => <Show when={e.actor_id} fallback="–"><A href={`/audit?user=${e.actor_id}`}>{e.actor ?? e.actor_id}</A></Show> },
    { id: "object", label: "Of what", value: (e) => e.object, cell: (e) => <span class="small">{e.object ? link(e.object) : "–"}</span> },
    { id: "detail", label: "Detail", value: (e) => (e.detail ? JSON.stringify(e.detail) : ""), sortable: false, cell: (e) => <code class="tiny op-narrow">{e.detail ? JSON.stringify(e.detail).slice(0, 120) : "–"}</code> },
    { id: "seq", label: "No.", value: (e) => e.seq, kind: "number" },
  ];
  return (
    <>
      <PageHead title="Audit log" />
      <div class="stack">
        <Verify />
        <Panel flush>
          <Load of={pages.of} retry={reload}>
            {() => <Table tools={
              <>
                <Filter name="action" label="Action" options={[{ value: "", label: "All actions" }, ...GROUPS.map((g) => ({ value: g, label: g.replace(/\.$/, "") }))]} />
                <Show when={params.user}><Button small icon="close" onClick={() => setParams({ user: undefined })}>One person only</Button></Show>
                <Show when={params.object}><Button small icon="close" onClick={() => setParams({ object: undefined })}>One object only</Button></Show>
                <Button small kind={fresh() ? "primary" : "quiet"} icon="reload" onClick={reload}>{fresh() ? `Show ${fresh()} new` : "Read again"}</Button>
              </>
            } label="Audit log" rows={pages.rows()} columns={columns} key={(e) => e.id} more={pages.more()} csvName="audit" onRow={setOpen} empty={<Empty icon="history" title="No such entry" />} />}
          </Load>
        </Panel>
      </div>
      <Show when={open()}>
        {(e) => (
          <Dialog drawer title={<code>{e().action}</code>} onClose={() => setOpen(null)}>
            <dl class="facts">
              <dt>When</dt><dd><Time ms={e().at_ms} /></dd>
              <dt>Who</dt><dd>{e().user ?? "–"} <Id id={e().user_id} /></dd>
              <Show when={e().actor_id}><dt>As them</dt><dd>{e().actor ?? "–"} <Id id={e().actor_id} /></dd></Show>
              <dt>Of what</dt><dd>{e().object || "–"}</dd>
              <dt>From</dt><dd>{e().address || "–"}</dd>
              <dt>Chain</dt><dd><Show when={e().tenant_id} fallback="the site's"><Id id={e().tenant_id} /></Show>, entry {e().seq}</dd>
              <dt>Hash</dt><dd><code class="tiny break">{e().hash}</code></dd>
            </dl>
            <Show when={e().detail}><pre class="op-code">{JSON.stringify(e().detail, null, 2)}</pre></Show>
          </Dialog>
        )}
      </Show>
    </>
  );
}
