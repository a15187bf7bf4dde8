// What the signed-in operator may do: what they may not is not offered. The service decides by the same rules (engine/tenant/permission.h).
import { me } from "~/api/session";

const RANK = { user: 0, support: 1, admin: 2, super_admin: 3 } as const;

// The least role, and whether a second factor is asked for.
const RULES = {
  users: ["admin", true], // suspend, resume, plans, passwords
  roles: ["super_admin", true],
  impersonate: ["admin", true],
  bots: ["admin", true],
  scripts: ["admin", true],
  halt: ["admin", false], // stopping must never wait for a phone
  revenue: ["admin", false],
} as const satisfies Record<string, readonly [keyof typeof RANK, boolean]>;

export type Right = keyof typeof RULES;

const rank = (): number => RANK[(me()?.role ?? "user") as keyof typeof RANK] ?? 0;

export function may(right: Right): boolean {
  const [least, factor] = RULES[right];
  return rank() >= RANK[least] && (!factor || me()?.two_factor === true);
}

/** Their role allows more than they can do without a second factor. */
export const wantsSecondFactor = (): boolean => rank() >= RANK.admin && me()?.two_factor === false;
export const isOperator = (): boolean => rank() > 0;
