// What the API says when it refuses (RFC 9457), as an error that pages can show: what, where, how to mend it, and the request's id.

export interface FieldError {
  pointer: string; // JSON pointer into what was sent: "/params/fast"
  detail: string;
}

export class Problem extends Error {
  override name = "Problem";
  constructor(
    readonly status: number, // 0: no answer came
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly errors: readonly FieldError[] = [],
    readonly requestId = "",
    readonly retryAfterS: number | null = null,
  ) {
    super(detail || title);
  }

  /** What is wrong with a field, by its pointer: "/email". Also what lies below it. */
  field(pointer: string): string | undefined {
    return this.errors.find((e) => e.pointer === pointer)?.detail;
  }
}

export function problemOf(status: number, body: unknown, headers?: Headers): Problem {
  const b = (typeof body === "object" && body ? body : {}) as Record<string, unknown>;
  const text = (name: string) => (typeof b[name] === "string" ? (b[name] as string) : "");
  const errors = Array.isArray(b.errors)
    ? b.errors.flatMap((e: Record<string, unknown>) =>
        e && typeof e.pointer === "string" ? [{ pointer: e.pointer, detail: String(e.detail ?? e.title ?? "is not valid") }] : [])
    : [];
  const retry = Number(headers?.get("retry-after"));
  return new Problem(status, text("code") || `http_${status}`, text("title") || `HTTP ${status}`, text("detail"), errors,
    text("request_id") || headers?.get("x-request-id") || "", Number.isFinite(retry) && retry > 0 ? retry : null);
}

export const unreachable = (): Problem =>
  new Problem(0, "unreachable", "The service cannot be reached", "No answer came. Is the connection up? What you see may be out of date.");

/** What is thrown is a Problem, or something that should not happen and is shown as such. */
export function toProblem(e: unknown): Problem {
  if (e instanceof Problem) return e;
  return new Problem(0, "console_error", "Something went wrong in this page", e instanceof Error ? e.message : String(e));
}

// How to mend it, where the service's own words do not say. By code.
const HINTS: Record<string, string> = {
  unreachable: "Check the connection; the page goes on by itself as soon as the service answers.",
  unauthenticated: "Sign in again.",
  token_expired: "Sign in again.",
  forbidden: "Your role does not allow this. Who owns the account or organisation can change that.",
  tier_forbids: "Your plan does not include this: see Plan and usage.",
  tier_limit: "Your plan's limit is reached: see Plan and usage.",
  second_factor_missing: "Set up two-factor authentication under Account, then sign in with it.",
  rate_limited: "Too many requests; wait a moment.",
  precondition_failed: "It was changed elsewhere meanwhile: load it again.",
  not_found: "It may have been deleted, or belongs to somebody else.",
  storage_failed: "The service could not save. Try again; if it stays so, tell the operator the request's id.",
  internal: "A fault of the service. Tell the operator the request's id.",
  unavailable: "The service is busy or starting. Try again in a moment.",
  csrf_failed: "Load the page again.",
};
export const hintOf = (p: Problem): string => HINTS[p.code] ?? "";
