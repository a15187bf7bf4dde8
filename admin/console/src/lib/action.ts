// Something that a form or a button does: busy while it runs, and the problem when it failed.
//
//   const save = useAction(async () => { await ok(api.PATCH(…)); toast("Saved"); });
//   <form onSubmit={save.submit}> … <Button type="submit" busy={save.busy()}>Save</Button> <ErrorNote problem={save.problem()} />
import { createSignal } from "solid-js";
import { toProblem, type Problem } from "~/api/problem";

export interface Action {
  busy: () => boolean;
  problem: () => Problem | null;
  /** True: it was done. */
  run: () => Promise<boolean>;
  submit: (e: Event) => void;
  clear: () => void;
}

export function useAction(what: () => Promise<unknown>): Action {
  const [busy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const run = async (): Promise<boolean> => {
    if (busy()) return false;
    setBusy(true);
    setProblem(null);
    try {
      await what();
      return true;
    } catch (e) {
      setProblem(toProblem(e));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, problem, run, clear: () => setProblem(null), submit: (e) => { e.preventDefault(); void run(); } };
}
