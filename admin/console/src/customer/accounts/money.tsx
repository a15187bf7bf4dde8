// A paper account's money: to the last unit what is free and what bots have; deposits, withdrawals, a new beginning; every entry.
import { A } from "@solidjs/router";
import { createSignal, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { useAction } from "~/lib/action";
import { createResource } from "~/lib/resource";
import { Badge, Button, ConfirmDialog, Dialog, Empty, ErrorNote, Load, Money, Panel, Stat, Table, TextField, Time, toast, type Column } from "~/ui";

type MoneyNow = Schemas["Money"];
type Entry = Schemas["MoneyEntry"];

const KINDS: Record<Entry["kind"], string> = { opened: "Opened", deposit: "Deposit", withdrawal: "Withdrawal", allotted: "To a bot", returned: "Back from a bot", reset: "New beginning" };

function Move(props: { account: string; what: "deposit" | "withdraw"; money: MoneyNow; onClose: () => void; onDone: () => void }): JSX.Element {
  const [amount, setAmount] = createSignal("");
  const go = useAction(async () => {
    const how = { params: { path: { account_id: props.account } }, body: { amount: amount().trim() } };
    await ok(props.what === "deposit" ? api.POST("/api/v1/accounts/{account_id}/deposit", how) : api.POST("/api/v1/accounts/{account_id}/withdraw", how));
    toast(props.what === "deposit" ? "Deposited" : "Withdrawn");
    props.onDone();
    props.onClose();
  });
  return (
    <Dialog title={props.what === "deposit" ? "Deposit play money" : "Withdraw play money"} onClose={props.onClose} footer={<><Button onClick={() => props.onClose()}>Cancel</Button><Button type="submit" form="move" kind="primary" busy={go.busy()}>{props.what === "deposit" ? "Deposit" : "Withdraw"}</Button></>}>
      <form id="move" class="stack" onSubmit={go.submit}>
        <TextField label="Amount" numeric unit={props.money.currency} value={amount()} onValue={setAmount} required autofocus problem={go.problem()} pointer="/amount" hint={props.what === "withdraw" ? `At most what no bot has: ${props.money.free}` : undefined} />
        <ErrorNote problem={go.problem()} />
      </form>
    </Dialog>
  );
}

export function PaperMoney(props: { account: Schemas["Account"]; money: MoneyNow; onChanged: () => void }): JSX.Element {
  const [open, setOpen] = createSignal<"deposit" | "withdraw" | "reset" | null>(null);
  const [entries, { refetch }] = createResource(() => props.account.id, (account_id) => ok(api.GET("/api/v1/accounts/{account_id}/entries", { params: { path: { account_id }, query: { limit: 200 } } })));
  const done = (): void => { props.onChanged(); void refetch(); };
  const shares: Column<MoneyNow["bots"][number]>[] = [
    { id: "bot", label: "Bot", value: (b) => b.name, lead: true, cell: (b) => <A href={`/bots/${b.bot_id}`}>{b.name}</A> },
    { id: "cash", label: "Given", kind: "decimal", value: (b) => b.cash, cell: (b) => <Money value={b.cash} /> },
    { id: "balance", label: "Balance", kind: "decimal", value: (b) => b.balance, cell: (b) => <Money value={b.balance} /> },
    { id: "equity", label: "Equity", kind: "decimal", value: (b) => b.equity, cell: (b) => <Money value={b.equity} /> },
    { id: "pnl", label: "P&L of this run", kind: "decimal", value: (b) => b.pnl, cell: (b) => <Money value={b.pnl} signed /> },
  ];
  const columns: Column<Entry>[] = [
    { id: "time", label: "When", kind: "number", right: false, value: (e) => e.time_ms, cell: (e) => <Time ms={e.time_ms} /> },
    { id: "kind", label: "What", value: (e) => KINDS[e.kind], lead: true, cell: (e) => <Badge plain tone={e.kind === "deposit" ? "good" : e.kind === "withdrawal" ? "warn" : "neutral"}>{KINDS[e.kind]}</Badge> },
    { id: "free", label: "Free", kind: "decimal", value: (e) => e.free, cell: (e) => <Money value={e.free} signed /> },
    { id: "allocated", label: "With bots", kind: "decimal", value: (e) => e.allocated, cell: (e) => <Money value={e.allocated} signed /> },
    { id: "result", label: "Won or lost", kind: "decimal", value: (e) => e.result, cell: (e) => <Money value={e.result} signed /> },
    { id: "balance", label: "Balance after", kind: "decimal", value: (e) => e.balance, cell: (e) => <Money value={e.balance} /> },
  ];
  const m = () => props.money;
  return (
    <>
      <div class="tiles">
        <Stat name="Equity" note={m().currency}><Money value={m().equity} /></Stat>
        <Stat name="Free" note="What no bot has"><Money value={m().free} /></Stat>
        <Stat name="With bots" note={`${m().bots.length} open runs`}><Money value={m().allocated} /></Stat>
        <Stat name="Won or lost" note="By runs that have ended"><Money value={m().result} signed /></Stat>
        <Stat name="Paid in"><Money value={m().paid_in} /></Stat>
      </div>
      <div class="row">
        <Button icon="plus" onClick={() => setOpen("deposit")}>Deposit</Button>
        <Button icon="upload" onClick={() => setOpen("withdraw")}>Withdraw</Button>
        <Button icon="history" onClick={() => setOpen("reset")} disabled={m().bots.length > 0} title={m().bots.length ? "While no bot has money of it" : undefined}>Begin anew</Button>
      </div>
      <Panel title="Bots that have money of it" flush>
        <Table rows={m().bots} columns={shares} key={(b) => `${b.bot_id} ${b.run}`} label="Bots that have money of it" empty={<Empty icon="bot" title="No bot has money of it" />} />
      </Panel>
      <Panel title="Books" flush>
        <Load of={entries} retry={() => void refetch()}>{(l) => <Table rows={l().items} columns={columns} key={(e) => String(e.number)} label="Books" pageSize={20} csvName={`perigee-${props.account.name}`} />}</Load>
      </Panel>
      <Show when={open() === "deposit" || open() === "withdraw"}><Move account={props.account.id} what={open() as "deposit" | "withdraw"} money={m()} onClose={() => setOpen(null)} onDone={done} /></Show>
      <Show when={open() === "reset"}>
        <ConfirmDialog title="Begin anew?" confirm="Begin anew" danger onClose={() => setOpen(null)} action={async () => { await ok(api.POST("/api/v1/accounts/{account_id}/reset", { params: { path: { account_id: props.account.id } } })); done(); }}>
          <p>The account will have what it began with, and nothing won or lost. Trades and entries of before stay to be looked at.</p>
        </ConfirmDialog>
      </Show>
    </>
  );
}
