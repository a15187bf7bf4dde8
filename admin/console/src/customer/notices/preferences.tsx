// What goes where: a grid of events and channels, in which critical ones are locked; quiet hours; when digests go out.
import { createMemo, createSignal, For, Show, type JSX } from "solid-js";
import { api, ok, okTagged } from "~/api/client";
import { useAction } from "~/lib/action";
import { createResource } from "~/lib/resource";
import { Badge, Button, Checkbox, Empty, ErrorNote, Icon, Load, Panel, Select, Skeleton, TextField, toast } from "~/ui";
import { readChannels } from "./channels";
import { eventWords, KINDS, known, modeOf, withMode, type Channel, type EventInfo, type Mode, type Preferences } from "./model";

const MODES: readonly { value: Mode; label: string }[] = [{ value: "now", label: "At once" }, { value: "digest", label: "Digest" }, { value: "off", label: "Off" }];
const EVERY = [[15, "Every 15 minutes"], [30, "Every 30 minutes"], [60, "Every hour"], [120, "Every 2 hours"], [240, "Every 4 hours"], [480, "Every 8 hours"], [720, "Twice a day"], [1440, "Once a day"]] as const;

function Grid(props: { events: readonly EventInfo[]; channels: readonly Channel[]; preferences: Preferences; before: Preferences; onChange: (p: Preferences) => void }): JSX.Element {
  const changed = (e: EventInfo): boolean => props.channels.some((c) => modeOf(props.preferences, e, c) !== modeOf(props.before, e, c));
  return (
    <div class="table-wrap">
      <table class="table nt-grid" aria-label="What goes where">
        <thead><tr><th scope="col"><span>Event</span></th><For each={props.channels}>{(c) => <th scope="col"><span><span class="break">{c.name}</span><span class="tiny muted">{KINDS[c.kind].label}{c.state === "active" ? "" : `, ${c.state}`}</span></span></th>}</For></tr></thead>
        <tbody>
          <For each={props.events}>
            {(e) => (
              <tr classList={{ changed: changed(e) }}>
                <th scope="row"><span class="stack-0"><span class="row"><span class="strong">{eventWords(e.name)}</span><Show when={e.critical}><Badge plain tone="bad">critical</Badge></Show></span><span class="small muted">{e.about}</span></span></th>
                <For each={props.channels}>
                  {(c) => (
                    <td data-label={c.name}>
                      <Show when={!e.critical} fallback={<span class="nt-always" title="It cannot be muted or put off"><Icon name="lock" size={14} />always</span>}>
                        <select class="select" aria-label={`${eventWords(e.name)} on ${c.name}`} value={modeOf(props.preferences, e, c)} onChange={(x) => props.onChange(withMode(props.preferences, e, c, x.currentTarget.value as Mode))}>
                          <For each={MODES}>{(m) => <option value={m.value} selected={m.value === modeOf(props.preferences, e, c)}>{m.label}</option>}</For>
                        </select>
                      </Show>
                    </td>
                  )}
                </For>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </div>
  );
}

const zones = (): string[] => {
  try {
    return ["UTC", ...(Intl as unknown as { supportedValuesOf: (of: string) => string[] }).supportedValuesOf("timeZone").filter((z) => z !== "UTC")];
  } catch {
    return ["UTC"];
  }
};

function Editing(props: { given: Preferences; etag: string; events: readonly EventInfo[]; channels: readonly Channel[]; onSaved: () => void; onChannels: () => void }): JSX.Element {
  const before = known(props.given, props.channels);
  const [p, setP] = createSignal<Preferences>(before);
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  const zone = () => p().time_zone ?? "UTC";
  const listed = createMemo(() => [...new Set([zone(), here, ...zones()])]);
  const dirty = () => JSON.stringify(p()) !== JSON.stringify(before);
  const ordered = createMemo(() => [...props.events].filter((e) => e.name !== "test").sort((a, b) => Number(a.critical) - Number(b.critical)));
  const save = useAction(async () => {
    await ok(api.PUT("/api/v1/notifications/preferences", { params: { header: { "If-Match": props.etag } }, body: p() }));
    toast("Saved", "good", "What was held goes out now.");
    props.onSaved();
  });
  const digests = () => ordered().some((e) => props.channels.some((c) => modeOf(p(), e, c) === "digest"));
  return (
    <form class="stack" onSubmit={save.submit}>
      <Panel flush title="What goes where">
        <Show when={props.channels.length} fallback={<Empty icon="bell" title="No channels yet" text="What goes where can be said once there is a where."><Button kind="primary" onClick={() => props.onChannels()}>Add a channel</Button></Empty>}>
          <Grid events={ordered()} channels={props.channels} preferences={p()} before={before} onChange={setP} />
        </Show>
      </Panel>
      <Panel title="When">
        <div class="stack">
          <Checkbox label="Quiet hours" hint="What is not critical is held until they are over and goes out as one. Webhooks are not held back." checked={!!p().quiet} onChecked={(on) => setP({ ...p(), quiet: on ? { from: "22:00", to: "07:00" } : null, ...(on && !p().time_zone ? { time_zone: here } : {}) })} />
          <div class="nt-times">
            <Show when={p().quiet}>
              {(q) => (
                <>
                  <TextField label="From" type="time" required value={q().from} onValue={(v) => setP({ ...p(), quiet: { ...q(), from: v } })} problem={save.problem()} pointer="/quiet/from" />
                  <TextField label="To" type="time" required value={q().to} onValue={(v) => setP({ ...p(), quiet: { ...q(), to: v } })} problem={save.problem()} pointer="/quiet/to" />
                </>
              )}
            </Show>
            <Select label="By the clock of" value={zone()} onValue={(v) => setP({ ...p(), time_zone: v })} options={listed().map((z) => ({ value: z, label: z }))} problem={save.problem()} pointer="/time_zone" />
            <Select label="Digests go out" value={String(p().digest?.every_minutes ?? 1440)} onValue={(v) => setP({ ...p(), digest: { ...p().digest, every_minutes: Number(v) } })} options={EVERY.map(([n, label]) => ({ value: String(n), label }))} />
            <TextField label="Counted from" type="time" required value={p().digest?.at ?? "08:00"} onValue={(v) => setP({ ...p(), digest: { ...p().digest, at: v } })} problem={save.problem()} pointer="/digest/at" />
          </div>
          <Show when={!digests()}><p class="small muted">Nothing is set to Digest at present.</p></Show>
        </div>
      </Panel>
      <ErrorNote problem={save.problem()} what="It was not saved" />
      <div class="nt-save"><Button type="submit" kind="primary" busy={save.busy()} disabled={!dirty()}>{dirty() ? "Save" : "Nothing changed"}</Button><Show when={dirty()}><Button onClick={() => setP(before)}>Discard</Button></Show></div>
    </form>
  );
}

export function PreferencesTab(props: { onChannels: () => void }): JSX.Element {
  const [found, { refetch }] = createResource(async () => {
    const [tagged, info, channels] = await Promise.all([okTagged(api.GET("/api/v1/notifications/preferences")), ok(api.GET("/api/v1/notifications/events")), readChannels()]);
    return { given: tagged.data.preferences, etag: tagged.etag, events: info.items, channels: [...channels].reverse() };
  });
  return <Load of={found} retry={() => void refetch()} what="The preferences cannot be shown" skeleton={<Skeleton lines={10} height={22} />}>{(f) => <Show when={f().etag} keyed>{(etag) => <Editing given={f().given} etag={etag} events={f().events} channels={f().channels} onSaved={() => void refetch()} onChannels={props.onChannels} />}</Show>}</Load>;
}
