// People: found by address, name or id.
import { A, useSearchParams } from "@solidjs/router";
import { type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { Ago, Badge, Empty, Load, PageHead, Panel, Table, type Column } from "~/ui";
import { createPages } from "~/ui/pages";
import { Filter, Role, SearchBox, UserState } from "../lib/parts";

type User = Schemas["AdminUser"];

const columns: readonly Column<User>[] = [
  { id: "email", label: "Address", value: (u) => u.email, cell: (u) => <A href={`/users/${u.id}`}>{u.email || u.id}</A>, lead: true },
  { id: "name", label: "Name", value: (u) => u.name },
  { id: "role", label: "Role", value: (u) => u.role, cell: (u) => <Role role={u.role} /> },
  { id: "state", label: "State", value: (u) => u.state, cell: (u) => <UserState state={u.state} /> },
  { id: "factor", label: "Two-factor", value: (u) => (u.two_factor ? "on" : "off"), cell: (u) => <Badge tone={u.two_factor ? "good" : "neutral"}>{u.two_factor ? "on" : "off"}</Badge> },
  { id: "since", label: "Since", value: (u) => u.created_at_ms, cell: (u) => <Ago ms={u.created_at_ms} /> },
];

export default function Users(): JSX.Element {
  const [params] = useSearchParams<{ q?: string; show?: string }>();
  const pages = createPages(() => ({ q: params.q, show: params.show }), ({ q, show }, cursor) =>
    ok(api.GET("/api/v1/admin/users", { params: { query: { limit: 100, cursor, q, suspended: show === "suspended" || undefined, role: show && show !== "suspended" ? (show as User["role"]) : undefined } } })));
  return (
    <>
      <PageHead title="Users" />
      <Panel flush>
        <Load of={pages.of} retry={pages.reload}>
          {() => <Table tools={
            <>
              <SearchBox label="Search users" placeholder="Address, name or id" />
              <Filter name="show" label="Which" options={[{ value: "", label: "All" }, { value: "suspended", label: "Suspended" }, { value: "support", label: "Support" }, { value: "admin", label: "Admins" }, { value: "super_admin", label: "Super admins" }]} />
            </>
          } label="Users" rows={pages.rows()} columns={columns} key={(u) => u.id} more={pages.more()} csvName="users" empty={<Empty icon="users" title="Nobody found" text="Part of an address or a name is enough; whole ids work, too." />} />}
        </Load>
      </Panel>
    </>
  );
}
