// The strategy API as data (GET /scripts/reference): what the editor completes and explains. Made by lua/generate.lua of the engine's
// own description, so it is never out of step with what the engine accepts.

export interface Entry {
  name: string;
  about?: string;
  type?: string;
  unit?: string;
  range?: string;
  default?: string;
  required?: boolean;
  example?: string;
  calls?: string; // of an option: letters of the methods that take it
  args?: [name: string, type: string][];
  options?: string; // of a method: whose options it takes
}
export interface ObjectEntry {
  name: string;
  about: string;
  fields: [name: string, type: string, about?: string][];
}
export interface Indicator {
  name: string;
  about: string;
  definition: string;
  params: { name: string; default: number; min: number; max: number; integer: boolean }[];
  outputs: string[];
  first_bar: number;
  source: string | null;
}
export interface Reference {
  version: number;
  calls: Record<string, string>; // method → letter
  header: Entry[];
  stream_keys: Entry[];
  indicator_keys: Entry[];
  risk_keys: Entry[];
  kinds: Entry[];
  param_keys: Entry[];
  callbacks: Entry[];
  ctx: Entry[];
  methods: Entry[];
  timer_keys: Entry[];
  options: Entry[];
  objects: ObjectEntry[];
  helpers: Entry[];
  libraries: { name: string; names: string[] }[];
  missing: Entry[];
  reasons: Entry[];
  stats: { name: string; label: string; about: string }[];
  indicators: Indicator[];
  sources: string[];
}

let asked: Promise<Reference> | null = null;

/** Once a page; asked again after a failure. */
export function reference(): Promise<Reference> {
  asked ??= fetch("/api/v1/scripts/reference", { headers: { Accept: "application/json" } }).then(
    (answer) => {
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      return answer.json() as Promise<Reference>;
    },
  );
  asked.catch(() => (asked = null));
  return asked;
}
