// What holds for both consoles: how they are served, signing in and out, what a first visit loads.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import http from "node:http";

const get = (t, path, headers = {}) => new Promise((done, fail) => {
  http.get(t.url + path, { headers }, (r) => {
    const parts = [];
    r.on("data", (d) => parts.push(d)).on("end", () => done({ status: r.statusCode, headers: r.headers, body: Buffer.concat(parts) }));
  }).on("error", fail);
});

export const cases = {
  "files are served packed, named by content, and nothing else is a page": async (t) => {
    const page = await get(t, "/", { "accept-encoding": "br, gzip" });
    assert.equal(page.status, 200);
    assert.equal(page.headers["content-encoding"], "gzip");
    assert.equal(page.headers["cache-control"], "no-cache");
    const csp = page.headers["content-security-policy"];
    assert.match(csp, /default-src 'none'/);
    assert.doesNotMatch(csp, /unsafe|\*|https?:/);
    const again = await get(t, "/", { "accept-encoding": "gzip", "if-none-match": page.headers.etag });
    assert.equal(again.status, 304);
    assert.equal(again.body.length, 0);
    const plain = await get(t, "/");
    assert.equal(plain.headers["content-encoding"], undefined);
    assert.notEqual(plain.headers.etag, page.headers.etag);
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(plain.body.toString())[1];
    const asset = await get(t, script, { "accept-encoding": "gzip" });
    assert.match(asset.headers["cache-control"], /immutable/);
    assert.match(asset.headers["content-type"], /^text\/javascript/);
    for (const path of ["/bots", "/admin", "/admin/login", "/login"]) assert.equal((await get(t, path)).status, 200, path);
    for (const path of ["/nope", "/admin/nope", "/bots/", "/assets/nope.js", "/assets/", "/../etc/passwd", "/index.htm"]) {
      const status = (await get(t, path)).status;
      assert.ok(path === "/bots/" ? status === 200 : status === 404 || status === 400, `${path}: ${status}`);
    }
    assert.notEqual((await get(t, "/admin")).headers.etag, plain.headers.etag);
    // A person who typed an address is told by the console, a program by a problem; both that it is not there.
    const typed = await get(t, "/nope", { accept: "text/html,*/*" });
    assert.deepEqual([typed.status, typed.headers["content-type"], typed.headers.etag], [404, "text/html; charset=utf-8", plain.headers.etag]);
    assert.match((await get(t, "/nope")).headers["content-type"], /^application\/problem\+json/);
    assert.match((await get(t, "/api/v1/nope", { accept: "text/html" })).headers["content-type"], /^application\/problem\+json/);
    assert.doesNotMatch((await get(t, "/health", { accept: "text/html" })).headers["content-type"], /html/);
  },

  "what the client's types are made of is what the service tells": async (t) => {
    const told = JSON.parse((await get(t, "/api/v1/openapi.json")).body), printed = JSON.parse(execFileSync(t.world.perigee, ["openapi"], { maxBuffer: 1 << 26 }));
    assert.ok(Object.keys(told.paths).length > 100);
    assert.deepEqual(printed, told);
  },

  "a first visit loads at most 300 KB": async (t) => {
    for (const start of ["/", "/admin"]) {
      const html = (await get(t, start, { "accept-encoding": "identity" })).body.toString();
      let sum = (await get(t, start, { "accept-encoding": "gzip" })).body.length;
      for (const [, path] of html.matchAll(/(?:src|href)="(\/[^"]+)"/g)) sum += (await get(t, path, { "accept-encoding": "gzip" })).body.length;
      console.log(`# ${start}: ${(sum / 1024).toFixed(1)} KB gzipped`);
      assert.ok(sum <= 300 * 1024, `${start}: ${sum} bytes`);
    }
  },

  "sign in, stay signed in, sign out": async (t) => {
    const ada = await t.person();
    t.expect(/401/);
    const page = await t.page({ path: "/bots" });
    await page.waitForURL(/\/login\?next=%2Fbots/);
    await t.look(page, "login");
    await page.getByLabel("Mail address").fill(ada.email);
    await page.getByLabel("Password").fill("not this one at all");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Password").fill(ada.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(/\/bots$/);
    await page.reload();
    await page.getByRole("heading", { name: "Bots", level: 1 }).waitFor();
    // The access token is gone, as after a quarter of an hour: the next request renews it.
    await page.context().clearCookies({ name: "__Host-perigee" });
    await page.reload();
    await page.getByRole("heading", { name: "Bots", level: 1 }).waitFor();
    assert.ok((await page.context().cookies()).every((c) => c.httpOnly && c.secure && c.sameSite === "Strict"));
    await page.getByRole("button", { name: ada.email }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.waitForURL(/\/login/);
    await page.goto("/bots");
    await page.waitForURL(/\/login/);
  },

  "a read that fails takes nothing else of its page away": async (t) => {
    const page = await t.page({ who: await t.person() });
    t.expect(/503/);
    for (const [path, read, head] of [["/", "/api/v1/bots", "Overview"], ["/bots/new", "/api/v1/subscriptions/current", "New bot"], ["/signals", "/api/v1/hooks", "Signals"], ["/account/security", "/api/v1/me/sessions", "Account"]]) {
      await page.route((u) => u.pathname === read, (r) => r.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify({ title: "Busy", status: 503, code: "unavailable", detail: "planted" }) }));
      const answered = page.waitForResponse((r) => new URL(r.url()).pathname === read);
      await page.goto(path);
      await (await answered).finished();
      await page.getByRole("heading", { level: 1, name: head }).waitFor();
      if (path === "/signals") await page.getByText("planted").waitFor(); // its own panel says so
      assert.equal(await page.getByText("cannot be shown").count(), 0, path);
      await page.unrouteAll();
    }
  },
  "the kill switch asks how, halts, is seen, and is lifted": async (t) => {
    const ada = await t.person();
    const page = await t.page({ who: ada });
    await page.getByRole("button", { name: "Kill switch" }).click();
    const dialog = page.getByRole("alertdialog");
    await dialog.waitFor();
    await t.accessible(page, "kill switch");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.equal((await ada.get("/me/halt")).items.length, 0);
    await page.getByRole("button", { name: "Kill switch" }).click();
    await page.getByLabel("No orders at all").check();
    await page.getByRole("button", { name: "Halt now" }).click();
    await page.getByText("All your bots are halted: no orders at all.").waitFor();
    assert.equal((await ada.get("/me/halt")).items[0].mode, "silent");
    await page.getByRole("button", { name: "Lift the halt" }).click();
    await page.locator(".banner").waitFor({ state: "detached" });
    assert.equal((await ada.get("/me/halt")).items.length, 0);
  },

  "operators have a console of their own, customers do not get in": async (t) => {
    const operator = await t.operator(), ada = await t.person();
    const page = await t.page();
    await t.signIn(page, operator, "/admin/login");
    await page.waitForURL(/\/admin\/?$/);
    await page.getByRole("heading", { name: "System", level: 1 }).waitFor();
    const other = await t.page({ who: ada, path: "/admin" });
    await other.getByText("This is the operators' console").waitFor();
  },
};
