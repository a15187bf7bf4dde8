// How the service is.
import { createResource, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { Load, PageHead, Panel } from "~/ui";

export default function System(): JSX.Element {
  const [system, { refetch }] = createResource(() => ok(api.GET("/api/v1/admin/system")));
  return (
    <>
      <PageHead title="System" />
      <Load of={system} retry={() => void refetch()}>{(s) => <Panel><pre>{JSON.stringify(s(), null, 2)}</pre></Panel>}</Load>
    </>
  );
}
