// The API's client: paths, parameters and answers are typed by the service's own OpenAPI document (schema.d.ts, `npm run types`).
//
//   const bots = await ok(api.GET("/api/v1/bots", { params: { query: { limit: 50 } } }));   // throws Problem
//
// What every request needs is added here: the CSRF token and an Idempotency-Key where something is changed, the organisation, one
// renewal of the session when it has expired, and one kind of error.
import createClient from "openapi-fetch";
import { Problem, problemOf, unreachable } from "./problem";
import type { components, paths } from "./schema";
import { csrfToken, refresh, signedOut, tenant } from "./session";

export type Schemas = components["schemas"];

function key(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
}

async function send(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (e) {
    if (e instanceof DOMException && e.name === "AbortError") throw e;
    throw unreachable();
  }
}

const WITHOUT_SESSION = /^\/api\/v1\/auth\/(login|register|refresh|forgot-password|reset-password|verify-email)$/;

async function fetchWithSession(request: Request): Promise<Response> {
  const path = new URL(request.url).pathname, changes = request.method !== "GET" && request.method !== "HEAD";
  const headers = new Headers(request.headers);
  if (tenant() && !headers.has("Perigee-Tenant")) headers.set("Perigee-Tenant", tenant());
  // One key for both tries: what was done by the first is not done again.
  if (request.method === "POST" && !headers.has("Idempotency-Key")) headers.set("Idempotency-Key", key());
  const again = request.clone();
  const withToken = (r: Request): Request => {
    if (changes && csrfToken()) headers.set("X-CSRF-Token", csrfToken());
    return new Request(r, { headers });
  };
  const answer = await send(withToken(request));
  if (answer.status !== 401 || WITHOUT_SESSION.test(path)) return answer;
  const why = (await answer.clone().json().catch(() => ({}))) as { code?: string };
  if (why.code !== "token_expired" && why.code !== "unauthenticated") return answer; // a wrong password, say
  if (await refresh()) return await send(withToken(again));
  signedOut(false);
  return answer;
}

// A signal that the caller aborts; whole URLs, as Request wants.
export const api = createClient<paths>({ baseUrl: typeof location === "undefined" ? "http://localhost" : location.origin, fetch: fetchWithSession });

interface Outcome<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The answer's body, or throws Problem. */
export async function ok<T>(pending: Promise<Outcome<T>>): Promise<T> {
  const { data, error, response } = await pending;
  if (error !== undefined || !response.ok) throw problemOf(response.status, error, response.headers);
  return data as T;
}

/** The same with the answer's ETag, for If-Match. */
export async function okTagged<T>(pending: Promise<Outcome<T>>): Promise<{ data: T; etag: string }> {
  const { data, error, response } = await pending;
  if (error !== undefined || !response.ok) throw problemOf(response.status, error, response.headers);
  return { data: data as T, etag: response.headers.get("etag") ?? "" };
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/** All items of a list, page by page, at most `max`. */
export async function all<T>(page: (cursor: string | undefined) => Promise<Page<T>>, max = 10_000): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const p = await page(cursor);
    items.push(...p.items);
    cursor = p.next_cursor ?? undefined;
  } while (cursor && items.length < max);
  return items;
}

export { Problem };
