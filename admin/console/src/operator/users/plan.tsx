// An operator's exception: another plan or single limits, for a while or until it is taken back.
import { createSignal, For, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { toProblem, type Problem } from "~/api/problem";
import { createResource } from "~/lib/resource";
import { Button, Dialog, ErrorNote, Field, Select, TextField, toast } from "~/ui";

const local = (ms: number): string => new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

export function PlanDialog(props: { user: Schemas["AdminUser"]; onClose: () => void; done: () => void }): JSX.Element {
  const before = props.user.exception;
  const [plans] = createResource(() => ok(api.GET("/api/v1/subscriptions/plans")));
  const [plan, setPlan] = createSignal(before?.plan ?? "");
  const [until, setUntil] = createSignal(before ? (before.expires_at_ms ? local(before.expires_at_ms) : "") : local(Date.now() + 14 * 86_400_000));
  const [reason, setReason] = createSignal(before?.reason ?? "");
  const [limits, setLimits] = createSignal<Record<string, string>>(Object.fromEntries(Object.entries(before?.limits ?? {}).map(([k, v]) => [k, v == null ? "∞" : String(v)])));
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  const names = () => props.user.usage?.items.map((i) => i.name) ?? [];

  const save = async (e: SubmitEvent): Promise<void> => {
    e.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const chosen = Object.entries(limits()).filter(([, v]) => v.trim() !== "").map(([k, v]) => [k, v.trim() === "∞" ? null : Number(v)] as const);
      await ok(api.PUT("/api/v1/admin/users/{user_id}/plan", { params: { path: { user_id: props.user.id } },
        body: { plan: plan() || null, limits: Object.fromEntries(chosen), expires_at_ms: until() ? new Date(until()).getTime() : null, reason: reason().trim() } }));
      toast("The exception is in force");
      props.done();
      props.onClose();
    } catch (x) {
      setProblem(toProblem(x));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title="An exception to the plan" onClose={props.onClose} footer={<><Button onClick={props.onClose}>Cancel</Button><Button kind="primary" type="submit" form="exception" busy={busy()}>Grant</Button></>}>
      <form id="exception" class="stack" onSubmit={(e) => void save(e)}>
        <Select label="Plan" value={plan()} onValue={setPlan} options={[{ value: "", label: "As subscribed" }, ...(plans.latest?.items ?? []).map((p) => ({ value: p.id, label: `${p.name}, ${p.monthly_price} ${p.currency} a month` }))]} />
        <Field label="Until" hint="Empty: until it is taken back" problem={problem()} pointer="/expires_at_ms">
          {(p) => <input {...p} class="input" type="datetime-local" value={until()} onInput={(e) => setUntil(e.currentTarget.value)} />}
        </Field>
        <TextField label="Reason" hint="Stands in the audit log" required maxlength={100} value={reason()} onValue={setReason} problem={problem()} pointer="/reason" />
        <details>
          <summary>Single limits</summary>
          <div class="stack-s" style={{ "padding-top": "8px" }}>
            <p class="small muted">Empty: as the plan says. ∞: unlimited.</p>
            <For each={names()}>
              {(name) => <TextField label={name.replace(/_/g, " ")} value={limits()[name] ?? ""} onValue={(v) => setLimits((l) => ({ ...l, [name]: v }))} pattern="[0-9]*|∞" placeholder="as the plan" problem={problem()} pointer={`/limits/${name}`} />}
            </For>
          </div>
        </details>
        <ErrorNote problem={problem()} />
      </form>
    </Dialog>
  );
}
