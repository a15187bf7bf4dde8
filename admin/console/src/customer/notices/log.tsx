// What was told, newest first: what became of it on each channel, each attempt, and sending it once more.
import { createSignal, For, onCleanup, Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { formatDuration } from "~/lib/format";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Button, Dialog, Empty, Load, Note, Panel, Select, Skeleton, Table, Time, toast, toastProblem, type Column } from "~/ui";
import { createPages } from "~/ui/pages";
import { createQuery } from "~/ui/routing";
import { eventWords, KINDS, SENDING_STATES, SEVERITIES, underWay, type Notice } from "./model";

const OUTCOMES: Record<string, string> = { sent: "taken", later: "to be tried again", never: "refused for good", ours: "this service was refused" };

export function Log(props: { onChannels: () => void }): JSX.Element {
  const [event, setEvent] = createSignal("");
  const [info] = createResource(() => ok(api.GET("/api/v1/notifications/events")));
  const pages = createPages(event, (name, cursor) => ok(api.GET("/api/v1/notifications", { params: { query: { limit: 100, cursor, ...(name ? { event: name } : {}) } } })));
  const [chosen, setChosen] = createQuery("notice");
  const timer = setInterval(() => !document.hidden && pages.reload(), 5000); // as yet there is no channel that tells of them
  onCleanup(() => clearInterval(timer));
  const one = () => pages.rows().find((n) => n.id === chosen());
  const columns: readonly Column<Notice>[] = [
    { id: "time", label: "Told", kind: "number", right: false, value: (n) => n.created_at_ms, cell: (n) => <Time ms={n.created_at_ms} /> },
    { id: "title", label: "What", lead: true, value: (n) => n.title, cell: (n) => <span class="stack-0"><button type="button" class="link strong break" onClick={() => setChosen(n.id)}>{n.title}</button><Show when={n.more > 0}><span class="small muted">and {n.more} more like it</span></Show></span> },
    { id: "event", label: "Event", value: (n) => n.event, cell: (n) => <span class="row nowrap"><Badge plain tone={SEVERITIES[n.severity].tone}>{SEVERITIES[n.severity].label}</Badge><span class="small">{eventWords(n.event)}</span><Show when={n.critical}><Badge plain tone="bad">critical</Badge></Show></span> },
    { id: "where", label: "Where to", value: (n) => n.sendings.map((s) => `${s.channel} ${s.state}`).join(" "), cell: (n) => <Show when={n.sendings.length} fallback={<span class="muted small">{n.folded ? "counted by another" : "nowhere"}</span>}><span class="row"><For each={n.sendings}>{(s) => <span class="row small"><span class="break">{s.channel}</span><Badge tone={SENDING_STATES[s.state].tone}>{SENDING_STATES[s.state].label}</Badge></span>}</For></span></Show> },
  ];
  return (
    <>
      <Panel flush label="What was told">
        <Load of={pages.of} retry={pages.reload} what="The notices cannot be listed" skeleton={<div class="pad"><Skeleton lines={6} height={22} /></div>}>
          {() => (
            <Table label="Notices" rows={pages.rows()} columns={columns} key={(n) => n.id} pageSize={50} search="Search notices" more={pages.more()} csvName="notices" onRow={(n) => setChosen(n.id)} selected={(n) => n.id === chosen()}
              tools={<Select label="Event" hideLabel value={event()} onValue={setEvent} options={[{ value: "", label: "All events" }, ...(info.latest?.items ?? []).map((e) => ({ value: e.name, label: eventWords(e.name) }))]} />}
              empty={<Empty icon="bell" title="Nothing was told yet" text="Failures, halts, rejected orders, sign-ins from elsewhere and what your scripts say with ctx:notify stand here, with whether it arrived."><Button onClick={() => props.onChannels()}>Channels</Button></Empty>} />
          )}
        </Load>
      </Panel>
      <Show when={one()}>{(n) => <Drawer notice={n()} onChanged={pages.reload} onClose={() => setChosen(undefined)} />}</Show>
    </>
  );
}

function Drawer(props: { notice: Notice; onChanged: () => void; onClose: () => void }): JSX.Element {
  const n = () => props.notice;
  const path = () => ({ path: { notice_id: n().id } });
  const [attempts, { refetch }] = createResource(() => n().sendings.map((s) => `${s.id} ${s.attempts}`).join(), async () => (await ok(api.GET("/api/v1/notifications/{notice_id}/attempts", { params: path() }))).items);
  const [busy, setBusy] = createSignal("");
  const again = async (channel_id: string | undefined): Promise<void> => {
    setBusy(channel_id ?? "all");
    try {
      await ok(api.POST("/api/v1/notifications/{notice_id}/replay", { params: path(), body: channel_id ? { channel_id } : {} }));
      toast("It is sent once more");
      props.onChanged();
      void refetch();
    } catch (e) {
      toastProblem("It was not sent again", e);
    }
    setBusy("");
  };
  const lost = () => n().sendings.filter((s) => s.state === "failed" || s.state === "skipped");
  return (
    <Dialog drawer title={n().title} onClose={props.onClose}>
      <div class="row"><Badge plain tone={SEVERITIES[n().severity].tone}>{SEVERITIES[n().severity].label}</Badge><span>{eventWords(n().event)}</span><Show when={n().critical}><Badge plain tone="bad">critical</Badge></Show><span class="small muted"><Time ms={n().created_at_ms} /></span></div>
      <p class="nt-text">{n().text}</p>
      <Show when={n().more > 0}><Note><p>{n().more} more like it were not sent one by one.</p></Note></Show>
      <div class="row-between"><h3>Where it went</h3><Show when={lost().length > 1}><Button small icon="reload" busy={busy() === "all"} onClick={() => void again(undefined)}>Send where it failed</Button></Show></div>
      <Show when={n().sendings.length} fallback={<p class="muted small">{n().folded ? "Another notice counts it." : "No channel wanted it."}</p>}>
        <ul class="nt-sendings">
          <For each={n().sendings}>
            {(s) => (
              <li>
                <div class="row-between">
                  <span class="row"><span class="strong break">{s.channel}</span><span class="small muted">{KINDS[s.kind].label}</span><Badge tone={SENDING_STATES[s.state].tone}>{SENDING_STATES[s.state].label}</Badge></span>
                  <Show when={!underWay(s) && s.state !== "held"}><Button small icon="reload" busy={busy() === s.channel_id} onClick={() => void again(s.channel_id)}>Send once more<span class="sr"> to {s.channel}</span></Button></Show>
                </div>
                <Show when={s.reason}><p class="small break">{s.reason}</p></Show>
                <Show when={s.next_at_ms && (underWay(s) || s.state === "held")}><p class="small muted">Next <Ago ms={s.next_at_ms} /></p></Show>
                <Load of={attempts} skeleton={<Skeleton lines={1} />}>
                  {(list) => <ol class="nt-attempts"><For each={list().filter((a) => a.sending_id === s.id)}>{(a) => <li><Time ms={a.at_ms} /> · {OUTCOMES[a.outcome] ?? a.outcome}{a.status ? ` · HTTP ${a.status}` : ""} · {formatDuration(a.took_ms)}{a.detail ? ` · ${a.detail}` : ""}</li>}</For></ol>}
                </Load>
              </li>
            )}
          </For>
        </ul>
      </Show>
    </Dialog>
  );
}
