// What is going on, at a glance.
import { createResource, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { Empty, LinkButton, Load, PageHead } from "~/ui";

export default function Overview(): JSX.Element {
  const [bots, { refetch }] = createResource(() => ok(api.GET("/api/v1/bots", { params: { query: { limit: 200 } } })));
  return (
    <>
      <PageHead title="Overview" />
      <Load of={bots} retry={() => void refetch()}>
        {(list) => <Empty icon="bot" title={`${list().items.length} bots`} text="Each with its state and reason, live."><LinkButton kind="primary" href="/bots">Bots</LinkButton></Empty>}
      </Load>
    </>
  );
}
