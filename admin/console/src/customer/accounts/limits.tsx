// Limits over all bots of an account: they hold from the next order on, whatever scripts ask for.
import { createSignal, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { useAction } from "~/lib/action";
import { Button, ErrorNote, Panel, toast } from "~/ui";
import { LimitFields, LIMITS, limitTexts, limitValue } from "../params/limits";

type Account = Schemas["Account"];

export function Limits(props: { account: Account; onChanged: () => void }): JSX.Element {
  const before = () => limitTexts(LIMITS, props.account.settings);
  const [texts, setTexts] = createSignal(before());
  const changes = () => LIMITS.filter((f) => texts()[f.key]!.trim() !== before()[f.key]);
  const save = useAction(async () => {
    const settings = Object.fromEntries(changes().map((f) => [f.key, limitValue(f, texts()[f.key]!)]));
    await ok(api.PATCH("/api/v1/accounts/{account_id}", { params: { path: { account_id: props.account.id } }, body: { settings } }));
    toast("The limits hold from the next order on");
    props.onChanged();
  });
  return (
    <Panel title="Limits over all bots of this account">
      <form class="stack" onSubmit={save.submit}>
        <LimitFields fields={LIMITS} texts={texts()} onText={(key, text) => setTexts({ ...texts(), [key]: text })} currency={props.account.settings?.currency ?? "USDT"} problem={save.problem()} />
        <ErrorNote problem={save.problem()} />
        <div class="row"><Button type="submit" kind="primary" busy={save.busy()} disabled={!changes().length}>Save limits</Button></div>
      </form>
    </Panel>
  );
}
