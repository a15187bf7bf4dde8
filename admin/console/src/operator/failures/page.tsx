// Dead letters: bots that wait for somebody, and what failed of all bots.
import { A, useSearchParams } from "@solidjs/router";
import { Show, type JSX } from "solid-js";
import { all, api, ok, type Schemas } from "~/api/client";
import { createResource } from "~/lib/resource";
import { Ago, Button, Empty, Load, PageHead, Panel, Table, Time, toast, toastProblem, type Column } from "~/ui";
import { createPages } from "~/ui/pages";
import { may } from "../lib/may";
import { BotLink, BotState, Filter } from "../lib/parts";

type Bot = Schemas["Bot"];
type Failure = Schemas["AdminFailure"];

export default function Failures(): JSX.Element {
  const [params] = useSearchParams<{ show?: string }>();
  const [held, { refetch }] = createResource(() => all((cursor) => ok(api.GET("/api/v1/admin/bots", { params: { query: { held: true, limit: 200, cursor } } })), 1000));
  const pages = createPages(() => params.show, (show, cursor) => ok(api.GET("/api/v1/admin/failures", { params: { query: { limit: 100, cursor, held: show === "held" || undefined } } })));

  const release = async (b: Bot): Promise<void> => {
    try {
      await ok(api.POST("/api/v1/admin/bots/{bot_id}/release", { params: { path: { bot_id: b.id } } }));
      toast(`${b.name} is released`, "good", "Its owner can start it again.");
    } catch (e) {
      toastProblem("It could not be released", e);
    }
    void refetch();
  };
  const waiting: readonly Column<Bot>[] = [
    { id: "name", label: "Bot", value: (b) => b.name, cell: (b) => <BotLink id={b.id} name={b.name} />, lead: true },
    { id: "owner", label: "Owner", value: (b) => b.owner, cell: (b) => <span class="nowrap">{b.owner ?? "–"}</span> },
    { id: "state", label: "State", value: (b) => b.state, cell: (b) => <BotState state={b.state} /> },
    { id: "why", label: "Why", value: (b) => b.reason, cell: (b) => <span class="small break">{b.reason}</span> },
    { id: "since", label: "Since", value: (b) => b.since_ms, cell: (b) => <Ago ms={b.since_ms} /> },
    { id: "act", label: "", value: () => "", bare: true, cell: (b) => <Show when={may("bots")}><Button small onClick={() => void release(b)}>Release</Button></Show> },
  ];
  const columns: readonly Column<Failure>[] = [
    { id: "time", label: "When", value: (f) => f.at_ms, cell: (f) => <Time ms={f.at_ms} /> },
    { id: "bot", label: "Bot", value: (f) => f.bot_name, lead: true, cell: (f) => <A href={`/bots/${f.bot_id}?tab=failures`}>{f.bot_name}</A> },
    { id: "owner", label: "Owner", value: (f) => f.owner, cell: (f) => <span class="nowrap">{f.owner ?? "–"}</span> },
    { id: "what", label: "What", value: (f) => f.what, cell: (f) => f.what.replace(/-/g, " ") },
    { id: "state", label: "State now", value: (f) => f.bot_state, cell: (f) => <BotState state={f.bot_state} /> },
    { id: "strikes", label: "Strikes", value: (f) => f.strikes, kind: "number" },
    { id: "detail", label: "Said", value: (f) => f.detail, cell: (f) => <code class="small break">{f.detail}</code> },
  ];
  return (
    <>
      <PageHead title="Dead letters" />
      <div class="stack">
        <Panel title="Waiting for somebody" flush>
          <Load of={held} retry={() => void refetch()}>
            {(list) => <Table label="Waiting for somebody" rows={list()} columns={waiting} key={(b) => b.id} empty={<Empty icon="check" title="None waits" text="No bot is in quarantine, dead or retired." />} />}
          </Load>
        </Panel>
        <Panel title="Failures" flush>
          <Load of={pages.of} retry={pages.reload}>
            {() => <Table tools={<Filter name="show" label="Which" options={[{ value: "", label: "Of all bots" }, { value: "held", label: "Of those that wait" }]} />} label="Failures" rows={pages.rows()} columns={columns} key={(f) => f.id} more={pages.more()} csvName="failures" empty={<Empty icon="check" title="Nothing has failed" />} />}
          </Load>
        </Panel>
      </div>
    </>
  );
}
