// A version that runs beside the one that trades: on the same bars, with its orders going nowhere. What would it have done?
import { createSignal, For, onCleanup, Show, type JSX } from "solid-js";
import { A } from "@solidjs/router";
import { api, ok, type Schemas } from "~/api/client";
import { formatCount } from "~/lib/format";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Button, Empty, Load, Note, Panel, Select, Time, toast, toastProblem } from "~/ui";

type Shadow = Schemas["Shadow"];
const AGAIN_MS = 3000;
const TONES = { waiting: "neutral", opening: "info", running: "good", ended: "neutral" } as const;

function Side(props: { mine: readonly string[]; other: readonly string[]; label: string }): JSX.Element {
  return (
    <div class="studio-intents">
      <span class="tiny muted">{props.label}</span>
      <Show when={props.mine.length} fallback={<span class="muted small">asked for nothing</span>}>
        <For each={props.mine}>{(line) => <code class="break" classList={{ only: !props.other.includes(line) }}>{props.other.includes(line) ? "" : "≠ "}{line}</code>}</For>
      </Show>
    </div>
  );
}

function OneBot(props: { shadow: Shadow }): JSX.Element {
  const s = () => props.shadow;
  return (
    <Panel title={<span class="row"><A href={`/bots/${s().bot_id}`} class="mono small">{s().bot_id}</A><Badge tone={TONES[s().state]} pulse={s().state === "running"}>{s().state}</Badge></span>} flush>
      <div class="row bt-pad small">
        <span><span class="strong num">{formatCount(s().same ?? 0)}</span> instants alike</span>
        <span class={s().different ? "warn" : ""}><span class="strong num">{formatCount(s().different ?? 0)}</span> different</span>
        <span class={s().errors ? "down" : ""}><span class="strong num">{formatCount(s().errors ?? 0)}</span> errors</span>
        <span class="muted">since <Ago ms={s().began_at_ms} />; live is version {s().live_version ?? "–"}</span>
      </div>
      <Show when={s().why}><p class="bt-pad small muted break">{s().why}</p></Show>
      <ul class="studio-diffs">
        <For each={s().items ?? []}>{(d) => <li><Time ms={d.time_ms} /><div class="cols-2"><Side label="Live" mine={d.live} other={d.shadow} /><Side label="Shadow" mine={d.shadow} other={d.live} /></div></li>}</For>
      </ul>
    </Panel>
  );
}

export function ShadowTab(props: { strategyId: string; versions: readonly { version: number; active?: boolean; state: string; comment?: string }[]; version: number; onVersion: (n: number) => void }): JSX.Element {
  const [busy, setBusy] = createSignal(false);
  const path = () => ({ strategy_id: props.strategyId, version: props.version });
  const [found, { refetch }] = createResource(() => (props.version ? path() : null), (p) => ok(api.GET("/api/v1/strategies/{strategy_id}/versions/{version}/shadow", { params: { path: p } })));
  const timer = setInterval(() => found.state !== "errored" && found.latest?.bots && !document.hidden && void refetch(), AGAIN_MS);
  onCleanup(() => clearInterval(timer));
  const open = () => props.versions.filter((v) => v.state === "proven" && !v.active);
  // The service forgets a shadow with its end; what it came to stays here until another one begins or the page is left.
  const [ended, setEnded] = createSignal<readonly Shadow[]>([]);
  const results = () => (found.latest?.items.length ? found.latest.items : ended());
  const running = () => (found.latest?.items ?? []).some((s) => s.state !== "ended");
  const set = async (off: boolean): Promise<void> => {
    setBusy(true);
    try {
      const last = found.latest?.items ?? [];
      const answer = await ok(api.POST("/api/v1/strategies/{strategy_id}/versions/{version}/shadow", { params: { path: path() }, body: off ? { off: true } : {} }));
      setEnded(off ? last.map((s) => ({ ...s, state: "ended" as const })) : []);
      toast(off ? "The shadow has ended" : `Version ${props.version} runs beside ${answer.bots} bot${answer.bots === 1 ? "" : "s"}`, answer.bots || off ? "good" : "warn", answer.bots || off ? undefined : "No bot of this strategy runs at the moment.");
      await refetch();
    } catch (e) {
      toastProblem("The shadow could not be changed", e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="stack">
      <Panel title="A version in the shadow of the live one">
        <div class="stack">
          <p class="muted">It gets the same bars, with the state, orders and account that the live version had when it began, and a matcher of its own. Nothing of it reaches a market. Compare what both ask for, then activate it – or do not.</p>
          <Show when={open().length} fallback={<Note>There is no other proven version. Save a change first.</Note>}>
            <div class="row">
              <div class="bt-filter"><Select label="Version" hideLabel value={String(props.version)} onValue={(v) => props.onVersion(Number(v))} options={open().map((v) => ({ value: String(v.version), label: `Version ${v.version}${v.comment ? ` – ${v.comment}` : ""}` }))} /></div>
              <Show when={running()} fallback={<Button kind="primary" icon="play" busy={busy()} disabled={!props.version} onClick={() => void set(false)}>Begin</Button>}>
                <Button icon="square" busy={busy()} onClick={() => void set(true)}>End</Button>
              </Show>
            </div>
          </Show>
        </div>
      </Panel>
      <Show when={props.version}>
        <Load of={found} retry={() => void refetch()} what="Its results cannot be shown">
          {() => <Show when={results().length} fallback={<Empty icon="swap" title="No shadow runs" text="Begin one: it joins all running bots of this strategy." />}><For each={results()}>{(x) => <OneBot shadow={x} />}</For></Show>}
        </Load>
      </Show>
    </div>
  );
}
