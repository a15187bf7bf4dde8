// Limits over all bots of an account: they hold from the next order on, whatever scripts ask for.
import { createSignal, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { useAction } from "~/lib/action";
import { Button, ErrorNote, Panel, TextField, toast } from "~/ui";

type Account = Schemas["Account"];
const FIELDS = [
  { key: "max_order", label: "Largest order", hint: "Refuses with MAX_ORDER", money: true },
  { key: "max_position", label: "Largest position of a symbol", hint: "With the orders that could add to it", money: true },
  { key: "max_exposure", label: "Largest exposure", hint: "All symbols together", money: true },
  { key: "day_loss", label: "Loss of a day", hint: "Then only closing, until the UTC day turns", money: true },
  { key: "max_drawdown", label: "Loss from the peak", hint: "Then only closing", money: true },
  { key: "max_leverage", label: "Leverage", hint: "1 to 1000", money: false },
  { key: "max_open", label: "Working orders", hint: "At one time", money: false },
] as const;
type Key = (typeof FIELDS)[number]["key"];

export function Limits(props: { account: Account; onChanged: () => void }): JSX.Element {
  const before = (): Record<Key, string> => Object.fromEntries(FIELDS.map((f) => [f.key, String(props.account.settings?.[f.key] ?? "")])) as Record<Key, string>;
  const [texts, setTexts] = createSignal(before());
  const changes = () => FIELDS.filter((f) => texts()[f.key].trim() !== before()[f.key]);
  const save = useAction(async () => {
    const settings = Object.fromEntries(changes().map((f) => { const t = texts()[f.key].trim(); return [f.key, t === "" ? null : f.key === "max_open" ? Number(t) : t]; }));
    await ok(api.PATCH("/api/v1/accounts/{account_id}", { params: { path: { account_id: props.account.id } }, body: { settings } }));
    toast("The limits hold from the next order on");
    props.onChanged();
  });
  return (
    <Panel title="Limits over all bots of this account">
      <form class="stack" onSubmit={save.submit}>
        <div class="limit-grid">
          {FIELDS.map((f) => (
            <TextField label={f.label} hint={`${f.hint}. Empty: none.`} numeric unit={f.money ? (props.account.settings?.currency ?? "USDT") : undefined} value={texts()[f.key]} onValue={(v) => setTexts({ ...texts(), [f.key]: v })} problem={save.problem()} pointer={`/settings/${f.key}`} />
          ))}
        </div>
        <ErrorNote problem={save.problem()} />
        <div class="row"><Button type="submit" kind="primary" busy={save.busy()} disabled={!changes().length}>Save limits</Button></div>
      </form>
    </Panel>
  );
}
