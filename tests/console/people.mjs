// Who the cases are about: operators signed in with a second factor, customers with a bot at work; and small words that several need.
import { createHmac } from "node:crypto";
import http from "node:http";
import { join } from "node:path";

// The server's own user at the unix socket: an operator without a password.
export const machine = (t, method, path, body) => new Promise((done, fail) => {
  const text = body === undefined ? "" : JSON.stringify(body);
  const request = http.request({ socketPath: join(t.world.data, "perigee.sock"), method, path: `/api/v1${path}`, headers: { host: "localhost", ...(text ? { "content-type": "application/json", "content-length": Buffer.byteLength(text) } : {}) } }, (r) => {
    let got = "";
    r.on("data", (d) => (got += d)).on("end", () => (r.statusCode < 300 ? done(got ? JSON.parse(got) : null) : fail(new Error(`${method} ${path}: ${r.statusCode} ${got}`))));
  });
  request.on("error", fail).end(text);
});

export function totp(secret, at) {
  let bits = "";
  for (const c of secret.replace(/=+$/, "")) bits += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0");
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30)));
  const mac = createHmac("sha1", key).update(counter).digest(), from = mac[19] & 15;
  return String((mac.readUInt32BE(from) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** Somebody of the role, with a second factor where that is asked for, signed in to /admin by the form. */
export async function staff(t, role, factor = true, options = {}) {
  const who = await t.person(role.replace("_", "-"));
  const { id } = await who.get("/me");
  await machine(t, "PATCH", `/admin/users/${id}`, { role });
  if (!factor) {
    const page = await t.page({ who, path: "/admin", ...options });
    return { who, page };
  }
  return { who, page: await byFactor(t, who, { path: "/admin/login", ...options }) };
}

/** A customer who signs in with a second factor; `who` speaks by a token of before it. */
export async function guarded(t, name, options = {}) {
  const who = await t.person(name);
  return { who, page: await byFactor(t, who, { path: "/login", ...options }) };
}

async function byFactor(t, who, options) {
  const { secret } = await who.post("/auth/enable-2fa", { password: who.password });
  await who.post("/auth/verify-2fa", { code: totp(secret, Date.now() / 1000 - 30) });
  t.expect(/401/); // /me, asked before anybody is signed in
  const page = await t.page(options);
  await page.getByLabel("Mail address").fill(who.email);
  await page.getByLabel("Password").fill(who.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("Code").fill(totp(secret, Date.now() / 1000));
  await page.getByLabel("Code").press("Enter");
  await page.locator(".shell").waitFor();
  return page;
}

export const TRADES = `strategy{ name="trades", api=1, params={ size=num{0.0005, min=0.0001, max=1} } }
function on_bar(ctx, bar)
  ctx:log("info", "a bar")
  if ctx.pos.flat then ctx:buy{qty=ctx.p.size, tag="in"} else ctx:close{tag="out"} end
end
`;
export const FAILS = `strategy{ name="fails", api=1 }
function on_bar(ctx, bar)
  if bar.time > 1700000000000 then local nothing; return nothing.field end
end
`;

/** A customer with a bot at work. */
export async function trader(t, { source = TRADES, name = "Night owl" } = {}) {
  const who = await t.person();
  await who.post("/subscriptions/upgrade", { plan: "enterprise" });
  const account = await who.post("/accounts", { venue: "paper", name: "Play" });
  const strategy = await who.post("/strategies", { name, source, activate: true });
  const bot = await who.post("/bots", { name, account_id: account.id, strategy_id: strategy.id, venue: "sim", symbol: "BTCUSDT", timeframe: "1m" });
  await who.post(`/bots/${bot.id}/start`);
  return { who, bot, me: await who.get("/me") };
}

export async function until(what, ask) {
  for (let i = 0; i < 300; i++) {
    const got = await ask();
    if (got) return got;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`never: ${what}`);
}

// In pictures at both sizes and themes where pictures are taken, else once: what axe finds at one size it nearly always finds at all.
export async function look(t, page, name, options) {
  if (t.world.shots) return t.look(page, name, options);
  await t.accessible(page, name);
  const size = page.viewportSize();
  await page.setViewportSize({ width: 360, height: 740 });
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await t.fits(page);
  await page.setViewportSize(size);
}

export const to = (page, name) => page.getByRole("navigation", { name: "Main" }).getByRole("link", { name, exact: true }).click();
