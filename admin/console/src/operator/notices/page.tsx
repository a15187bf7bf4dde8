// Notices of all customers that could not be sent: to whom, by what, and why.
import { onCleanup, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { eventWords, KINDS } from "~/customer/notices/model";
import { Badge, Empty, Load, PageHead, Panel, Table, Time, type Column } from "~/ui";
import { createPages } from "~/ui/pages";
import { Id } from "../lib/parts";

type Failure = Schemas["NoticeFailure"];

const columns: readonly Column<Failure>[] = [
  { id: "time", label: "Told", kind: "number", right: false, value: (f) => f.created_at_ms, cell: (f) => <Time ms={f.created_at_ms} /> },
  { id: "event", label: "Event", lead: true, value: (f) => eventWords(f.event), cell: (f) => <span class="strong">{eventWords(f.event)}</span> },
  { id: "tenant", label: "Whose", value: (f) => f.tenant_id, cell: (f) => <Id id={f.tenant_id} /> },
  { id: "kind", label: "By", value: (f) => KINDS[f.kind].label, cell: (f) => <Badge plain>{KINDS[f.kind].label}</Badge> },
  { id: "why", label: "Why", value: (f) => f.reason, cell: (f) => <span class="small break">{f.reason}</span> },
  { id: "attempts", label: "Attempts", kind: "number", value: (f) => f.attempts },
  { id: "notice", label: "Notice", value: (f) => f.notice_id, cell: (f) => <Id id={f.notice_id} /> },
];

export default function NoticeFailures(): JSX.Element {
  const pages = createPages(() => "", (_, cursor) => ok(api.GET("/api/v1/admin/notifications/failures", { params: { query: { limit: 100, cursor } } })));
  const timer = setInterval(() => !document.hidden && pages.reload(), 10_000);
  onCleanup(() => clearInterval(timer));
  return (
    <>
      <PageHead title="Notices" />
      <Panel flush title="Not sent">
        <Load of={pages.of} retry={pages.reload}>
          {() => <Table label="Notices that were not sent" rows={pages.rows()} columns={columns} key={(f) => f.sending_id} more={pages.more()} search="Search failures" csvName="notice-failures" empty={<Empty icon="check" title="All went through" text="What was given up after a day, or refused for good, stands here. What was in it is its owner's." />} />}
        </Load>
      </Panel>
    </>
  );
}
