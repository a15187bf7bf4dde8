// An account at a venue: the test that changes nothing, balances as the venue tells them, how the session does, new credentials.
import { createSignal, For, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { Problem } from "~/api/problem";
import { useAction } from "~/lib/action";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Button, Empty, ErrorNote, Icon, Load, Money, Note, Panel, Table, TextField, toast, type BadgeTone, type Column } from "~/ui";

type Test = Schemas["AccountTest"];
const CHECKS: Record<string, string> = { connection: "Reached", clock: "Clock", key: "Key", withdraw: "Cannot withdraw", trade: "May trade", ip: "Bound to an address", balances: "Balances" };
const STATES: Record<string, BadgeTone> = { ready: "good", connecting: "info", reconciling: "info", down: "bad", refused: "bad", stopped: "neutral" };

export function VenueTest(props: { account: Schemas["Account"]; onTested: () => void }): JSX.Element {
  const [result, setResult] = createSignal<Test | null>(null);
  const test = useAction(async () => {
    setResult(await ok(api.POST("/api/v1/accounts/{account_id}/test", { params: { path: { account_id: props.account.id } } })));
    props.onTested();
  });
  return (
    <Panel title="Test" actions={<Button small icon="shield" busy={test.busy()} onClick={() => void test.run()}>Test now</Button>}>
      <div class="stack">
        <ErrorNote problem={test.problem()} what="The test could not be made" />
        <Show when={result()} fallback={<p class="muted small">Asks the venue with questions that change nothing: is it reached, does the key fit, may it trade, and can it not withdraw.</p>}>
          {(r) => (
            <>
              <Note tone={r().ok ? "good" : "bad"} role="status" title={r().ok ? `Bots may trade on ${r().venue} ${r().environment}` : "Not fit for trading yet"} />
              <ul class="checks">
                <For each={r().checks}>
                  {(c) => <li class={c.ok === false ? "bad" : c.ok ? "good" : "open"}><Icon name={c.ok === false ? "close" : c.ok ? "check" : "question"} /><span class="strong">{CHECKS[c.name] ?? c.name}<span class="sr">{c.ok === false ? ": failed" : c.ok ? ": passed" : ": not known"}</span></span><span class="small muted">{c.text}</span></li>}
                </For>
              </ul>
            </>
          )}
        </Show>
      </div>
    </Panel>
  );
}

export function VenueBalances(props: { account: Schemas["Account"]; turn: number }): JSX.Element {
  const [balances, { refetch }] = createResource(() => [props.account.id, props.turn] as const, ([account_id]) => ok(api.GET("/api/v1/accounts/{account_id}/balances", { params: { path: { account_id } } })));
  const columns: Column<Schemas["Balance"]>[] = [
    { id: "currency", label: "Currency", value: (b) => b.currency, lead: true },
    { id: "balance", label: "Balance", kind: "decimal", value: (b) => b.balance, cell: (b) => <Money value={b.balance} /> },
    { id: "free", label: "Free", kind: "decimal", value: (b) => b.free, cell: (b) => <Money value={b.free} /> },
    { id: "used", label: "Held by orders and positions", kind: "decimal", value: (b) => b.used, cell: (b) => <Money value={b.used} /> },
    { id: "equity", label: "Equity", kind: "decimal", value: (b) => b.equity, cell: (b) => <Money value={b.equity} /> },
  ];
  return (
    <Panel title="Balances" flush actions={<Show when={balances.latest?.at_ms}><span class="small muted">as of <Ago ms={balances.latest!.at_ms} /></span></Show>}>
      <div class="pad-if-error"><Load of={balances} retry={() => void refetch()} what="The venue's balances could not be read">{(b) => <Table rows={b().items} columns={columns} key={(x) => x.currency} label="Balances" empty={<Empty icon="account" title="The account is empty" />} />}</Load></div>
    </Panel>
  );
}

export function VenueConnection(props: { account: Schemas["Account"] }): JSX.Element {
  const [connection, { refetch }] = createResource(() => props.account.id, async (account_id) => {
    try {
      return await ok(api.GET("/api/v1/accounts/{account_id}/connection", { params: { path: { account_id } } }));
    } catch (e) {
      if (e instanceof Problem && e.code === "unavailable") return "none" as const; // no bot uses it now
      throw e;
    }
  });
  return (
    <Panel title="Connection" actions={<Button small kind="quiet" icon="reload" onClick={() => void refetch()}>Look again</Button>}>
      <Load of={connection} retry={() => void refetch()}>
        {(c) => (
          <Show when={c() === "none" ? null : (c() as Schemas["VenueConnection"])} fallback={<p class="muted small">No bot that runs uses this account, so it is not connected. It connects with the first one.</p>}>
            {(v) => (
              <div class="stack-s">
                <p class="row"><Badge tone={STATES[v().state] ?? "neutral"}>{v().state}</Badge><span class="small muted">{v().why}</span></p>
                <p class="small muted">Used by {v().bots} {v().bots === 1 ? "bot" : "bots"}. Orders, executions and positions were compared <Ago ms={v().compared_at_ms} />.</p>
                <Show when={v().differs}><Note tone="warn" title="The venue and the books differ"><p class="small break">{v().differs}</p></Note></Show>
                <Show when={v().strangers.length}>
                  <Note tone="warn" title="Not made by any bot of this account"><ul class="small"><For each={v().strangers}>{(s) => <li><strong>{s.symbol}</strong> {s.kind}: {s.text}</li>}</For></ul></Note>
                </Show>
              </div>
            )}
          </Show>
        )}
      </Load>
    </Panel>
  );
}

export function Credentials(props: { account: Schemas["Account"] }): JSX.Element {
  const [key, setKey] = createSignal("");
  const [secret, setSecret] = createSignal("");
  const save = useAction(async () => {
    await ok(api.PUT("/api/v1/accounts/{account_id}/secrets", { params: { path: { account_id: props.account.id } }, body: { secrets: { api_key: key().trim(), api_secret: secret().trim() } } }));
    setKey("");
    setSecret("");
    toast("The new credentials are stored", "good", "Test them before a bot needs them.");
  });
  return (
    <Panel title="Credentials">
      <form class="stack" onSubmit={save.submit} autocomplete="off">
        <p class="small muted">Stored sealed: {props.account.fields.join(", ") || "none"}. They can be replaced, never read.</p>
        <div class="cols-2">
          <TextField label="New API key" value={key()} onValue={setKey} required autocomplete="off" spellcheck={false} class="mono" problem={save.problem()} pointer="/secrets/api_key" />
          <TextField label="New API secret" type="password" value={secret()} onValue={setSecret} required autocomplete="new-password" class="mono" problem={save.problem()} pointer="/secrets/api_secret" />
        </div>
        <ErrorNote problem={save.problem()} />
        <div class="row"><Button type="submit" busy={save.busy()}>Replace credentials</Button></div>
      </form>
    </Panel>
  );
}
