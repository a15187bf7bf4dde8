// Reads whose failure is told where they are shown. Solid's own throw from `latest` once they have failed, and what reads `latest` in a memo or a
// heading stands outside of any panel: one of ten reads of a page that failed took all of it away. Here `latest` is undefined then; <Load> says what
// went wrong, and its neighbours stay. Calling the resource still throws.
import { createResource as read, type Resource } from "solid-js";

type Made = [Resource<unknown>, unknown];

export const createResource = ((...given: unknown[]): Made => {
  const [of, actions] = (read as unknown as (...given: unknown[]) => Made)(...given);
  const quiet = Object.defineProperties(() => of(), {
    state: { get: () => of.state },
    error: { get: () => of.error as unknown },
    loading: { get: () => of.loading },
    latest: { get: () => (of.state === "errored" ? undefined : of.latest) },
  }) as unknown as Resource<unknown>;
  return [quiet, actions];
}) as unknown as typeof read;
