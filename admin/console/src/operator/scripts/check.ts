// What is wrong with a source, asked of the service when the typing pauses; the newest source wins.
import { createSignal, onCleanup } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { toProblem, type Problem } from "~/api/problem";

type Kind = Schemas["ScriptKind"];
const PAUSE_MS = 400;

export function createCheck(kind: () => Kind, name: () => string) {
  const [answer, setAnswer] = createSignal<Schemas["Check"] | null>(null);
  const [busy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined, asked = 0;
  onCleanup(() => {
    clearTimeout(timer);
    asked = -1;
  });
  const ask = async (source: string): Promise<void> => {
    const mine = ++asked;
    try {
      const check = await ok(api.POST("/api/v1/admin/scripts/check", { body: { kind: kind(), name: name(), source } }));
      if (mine === asked) setAnswer(check), setProblem(null);
    } catch (e) {
      if (mine === asked) setProblem(toProblem(e));
    }
    if (mine === asked) setBusy(false);
  };
  return {
    answer, busy, problem,
    look(source: string): void {
      clearTimeout(timer);
      setBusy(true);
      timer = setTimeout(() => void ask(source), PAUSE_MS);
    },
  };
}
