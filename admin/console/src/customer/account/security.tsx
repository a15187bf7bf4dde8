// The second factor, and where one is signed in.
import { type JSX } from "solid-js";
import { api, all, ok, type Schemas } from "~/api/client";
import { useAction } from "~/lib/action";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Button, ErrorNote, Load, Panel, Table, Time, toast, toastProblem, type Column } from "~/ui";
import { AccountFrame } from "./frame";
import { TwoFactor } from "./twofactor";

type Session = Schemas["Session"];

/** What a browser says of itself, shortened to what people know it by. */
export function deviceOf(agent: string | undefined): string {
  if (!agent) return "Unknown";
  const browser = /Edg\//.test(agent) ? "Edge" : /Firefox\//.test(agent) ? "Firefox" : /Chrome\//.test(agent) ? "Chrome" : /Safari\//.test(agent) ? "Safari" : agent.split(/[\s/]/)[0]!;
  const system = /Android/.test(agent) ? "Android" : /iPhone|iPad/.test(agent) ? "iOS" : /Windows/.test(agent) ? "Windows" : /Mac OS/.test(agent) ? "macOS" : /Linux|X11/.test(agent) ? "Linux" : "";
  return system ? `${browser} on ${system}` : browser;
}

export default function Security(): JSX.Element {
  const [sessions, { refetch }] = createResource(() => all((cursor) => ok(api.GET("/api/v1/me/sessions", { params: { query: { limit: 200, cursor } } })), 500));
  const end = async (s: Session): Promise<void> => {
    try {
      await ok(api.DELETE("/api/v1/me/sessions/{session_id}", { params: { path: { session_id: s.id } } }));
      toast("That session has ended");
      void refetch();
    } catch (e) {
      toastProblem("The session could not be ended", e);
    }
  };
  const others = useAction(async () => {
    await ok(api.DELETE("/api/v1/me/sessions"));
    toast("All other sessions have ended");
    void refetch();
  });
  const columns: Column<Session>[] = [
    { id: "device", label: "Where", value: (s) => deviceOf(s.user_agent), lead: true, cell: (s) => <span class="row" title={s.user_agent}>{deviceOf(s.user_agent)}{s.current ? <Badge tone="good">this one</Badge> : null}{s.two_factor ? <Badge plain tone="info">second factor</Badge> : null}</span> },
    { id: "address", label: "Address", value: (s) => s.address, cell: (s) => <span class="num">{s.address || "–"}</span> },
    { id: "used", label: "Last used", kind: "number", right: false, value: (s) => s.last_used_at_ms, cell: (s) => <Ago ms={s.last_used_at_ms} /> },
    { id: "since", label: "Signed in", kind: "number", right: false, value: (s) => s.created_at_ms, cell: (s) => <Time ms={s.created_at_ms} /> },
    { id: "end", label: "End", bare: true, right: true, value: () => null, cell: (s) => (s.current ? <span /> : <Button small kind="danger" onClick={() => void end(s)}>End</Button>) },
  ];
  return (
    <AccountFrame title="Security">
      <TwoFactor />
      <Panel title="Where you are signed in" flush actions={<Button small busy={others.busy()} disabled={(sessions.latest?.length ?? 0) < 2} onClick={() => void others.run()}>End all others</Button>}>
        <ErrorNote problem={others.problem()} />
        <Load of={sessions} retry={() => void refetch()}>{(rows) => <Table rows={rows()} columns={columns} key={(s) => s.id} label="Sessions" pageSize={20} sort={{ id: "used", desc: true }} />}</Load>
      </Panel>
    </AccountFrame>
  );
}
