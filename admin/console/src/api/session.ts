// Who is signed in. The tokens are HttpOnly cookies, so a page knows its session only by asking /me, which also tells what changes
// must carry (X-CSRF-Token). A page that was loaded anew asks once; an expired access token is renewed once for all tabs.
import { createSignal } from "solid-js";
import type { components } from "./schema";

export type Me = components["schemas"]["Me"];

const [me, setMe] = createSignal<Me | null | undefined>(undefined);
/** undefined: not known yet; null: nobody. */
export { me };

let csrf = "";
export const csrfToken = (): string => csrf;

/** The organisation that requests are about; "": one's own. */
const TENANT = "perigee.tenant";
const [tenant, setTenantSignal] = createSignal(readTenant());
export { tenant };
function readTenant(): string {
  try {
    return localStorage.getItem(TENANT) ?? "";
  } catch {
    return "";
  }
}
export function setTenant(id: string): void {
  setTenantSignal(id);
  try {
    if (id) localStorage.setItem(TENANT, id);
    else localStorage.removeItem(TENANT);
  } catch {
    // without storage the choice lasts as long as the page
  }
}

// Other tabs learn of a sign-in or sign-out at once.
const tabs = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("perigee.session");
tabs?.addEventListener("message", () => void loadSession());

/** Asks who is signed in. Never throws for "nobody"; throws when the service cannot be asked. */
export async function loadSession(): Promise<Me | null> {
  let answer = await fetch("/api/v1/me", { headers: { Accept: "application/json" } });
  if (answer.status === 401 && (await refresh())) answer = await fetch("/api/v1/me", { headers: { Accept: "application/json" } });
  if (answer.ok) {
    const body = (await answer.json()) as Me;
    csrf = body.csrf_token ?? csrf;
    setMe(body);
    return body;
  }
  if (answer.status !== 401 && answer.status !== 403) throw new Error(`who is signed in could not be asked: HTTP ${answer.status}`);
  setMe(null);
  return null;
}

/** After a login's answer (which set the cookies). */
export async function signedIn(): Promise<Me | null> {
  const who = await loadSession();
  tabs?.postMessage("signed-in");
  return who;
}

/** The session is over, here or elsewhere. */
export function signedOut(tellOthers = true): void {
  csrf = "";
  setTenant("");
  setMe(null);
  if (tellOthers) tabs?.postMessage("signed-out");
}

// Who looked over a customer's shoulder is an operator again: the refresh token was theirs all the time. What this page shows is the
// customer's, so it goes, and nothing that waits for an answer is asked again as somebody else.
function backToOperations(): Promise<boolean> {
  tabs?.postMessage("signed-in");
  location.assign("/admin/users");
  return new Promise(() => undefined);
}

let renewing: Promise<boolean> | null = null;
let renewedAt = 0;

async function renew(): Promise<boolean> {
  const before = renewedAt;
  const run = async (): Promise<boolean> => {
    if (renewedAt !== before) return true; // while this one waited
    const answer = await fetch("/api/v1/auth/refresh", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
    if (!answer.ok) return false;
    const body = (await answer.json()) as { csrf_token?: string };
    csrf = body.csrf_token ?? csrf;
    renewedAt = Date.now();
    if (me()?.impersonated_by) return backToOperations();
    return true;
  };
  // A refresh token works once: tabs take turns.
  return navigator.locks ? await navigator.locks.request("perigee.refresh", run) : await run();
}

/** A new access token by the refresh cookie. False: the session is over (or the service cannot be reached). */
export function refresh(): Promise<boolean> {
  renewing ??= renew().catch(() => false).finally(() => (renewing = null));
  return renewing;
}
