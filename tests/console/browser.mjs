// What the cases work with: a service, a browser, people who are signed in, and checks that hold for every page.
import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createReceiver } from "node:http";
import { createServer } from "node:net";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const PASSWORD = "correct horse battery staple";
export const PHONE = { width: 360, height: 740 }, DESK = { width: 1280, height: 800 };
const SLOW = 30_000; // no case is timed: this only ends what hangs, on a machine that is busy and with sanitizers

const freePort = () => new Promise((done) => {
  const s = createServer().listen(0, "127.0.0.1", () => {
    const { port } = s.address();
    s.close(() => done(port));
  });
});

// Databases that are written to are copied as SQLite does it, what comes beside them is not.
const COPY = `
import pathlib, shutil, sqlite3, sys
src, dst = map(pathlib.Path, sys.argv[1:])
for path in src.rglob("*"):
    to = dst / path.relative_to(src)
    if path.is_dir(): to.mkdir(exist_ok=True)
    elif path.suffix == ".db":
        with sqlite3.connect(path) as a, sqlite3.connect(to) as b: a.backup(b)
    elif path.is_file() and not path.name.endswith(("-wal", "-shm", ".lock")): shutil.copy2(path, to)
`;

async function serve(world, data, port, logFile, bybit) {
  const log = openSync(logFile, "a");
  // A bar a second: what happens is seen soon, and pages that draw each of them are not all that the machine does.
  const feeds = ["--feed", "sim=sim:speed=60", ...(bybit ? ["--feed", "bybit=sim:speed=60"] : []), ...world.feeds.flatMap((f) => ["--feed", f])];
  const started = spawn(world.perigee, ["serve", "--data-dir", data, "--listen", `127.0.0.1:${port}`, ...feeds, "--parity-hour", "-1", "--venue-url", `bybit=${bybit ?? "http://127.0.0.1:9"}`, "--venue-url", "luno=http://127.0.0.1:9", ...(world.consoleDir ? ["--console-dir", world.consoleDir] : [])], {
    stdio: ["ignore", log, log], env: { ...process.env, PERIGEE_RATE_PERCENT: "0", PERIGEE_CHECK_ANSWERS: "1",
      PERIGEE_TELEGRAM_URL: world.receiverUrl, PERIGEE_TELEGRAM_TOKEN_FILE: `${world.data}.token`, PERIGEE_TELEGRAM_NAME: "perigee_test_bot", PERIGEE_NOTICE_REACH: "127.0.0.0/8", PERIGEE_NOTICE_PERCENT: "1",
      PERIGEE_SMS_URL: `${world.receiverUrl}/sms`, PERIGEE_SMS_BODY: "To={to}&Body={text}", PERIGEE_SMS_AUTH_FILE: `${world.data}.sms` },
  });
  closeSync(log);
  for (let i = 0; ; i++) {
    if (started.exitCode !== null) throw new Error(`serve ended with ${started.exitCode}:\n${readFileSync(logFile, "utf8").slice(-2000)}`);
    if (await fetch(`http://localhost:${port}/ready`).then((r) => r.ok, () => false)) return started;
    if (i > 600) throw new Error(`not ready in a minute:\n${readFileSync(logFile, "utf8").slice(-2000)}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

async function end(child, signal = "SIGTERM") {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once("exit", done));
  child.kill(signal);
  await ended;
}

export class World {
  constructor(options) {
    Object.assign(this, options);
    const require = createRequire(join(this.packages, "x.js"));
    this.playwright = require("playwright-core");
    this.axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
    this.people = 0;
  }

  async start() {
    this.port = await freePort();
    this.url = `http://localhost:${this.port}`;
    this.data = mkdtempSync(join(tmpdir(), "perigee-console-"));
    await this.receive();
    await this.serve();
    this.browser = await this.playwright.chromium.launch({ executablePath: this.chromium, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
  }

  /** What the service sends to people: a Bot API as Telegram's, and any other path as a webhook's, a chat's or an SMS provider's receiver.
   *  `answers` says what a path is answered with, a list in turn, 200 where it does not; `received` has what came. */
  async receive() {
    this.received = [];
    this.written = [];
    this.updates = 1000;
    this.answers = new Map();
    this.receiver = createReceiver((request, answer) => {
      const parts = [];
      request.on("data", (d) => parts.push(d)).on("end", () => {
        // What people write to the bot is asked for all the time: what say() put there, else nothing, after a while, as the Bot API does it.
        if (/\/getUpdates/.test(request.url)) return void setTimeout(() => answer.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ ok: true, result: this.written.splice(0) })), 300).unref();
        const text = Buffer.concat(parts).toString(), given = this.answers.get(request.url), status = (Array.isArray(given) ? given.shift() : given) ?? 200;
        this.received.push({ path: request.url, headers: request.headers, text, body: /^\s*\{/.test(text) ? JSON.parse(text) : null });
        answer.writeHead(status, { "Content-Type": "application/json" }).end(status === 200 ? '{"ok":true,"result":{"message_id":1}}' : '{"ok":false}');
      });
    });
    await new Promise((done) => this.receiver.listen(0, "127.0.0.1", done));
    this.receiverUrl = `http://127.0.0.1:${this.receiver.address().port}`;
    writeFileSync(`${this.data}.token`, "1:console\n", { mode: 0o600 });
    writeFileSync(`${this.data}.sms`, "Basic c2VjcmV0\n", { mode: 0o600 });
  }

  /** Mail goes to a server that stands here, for one case; as much of RFC 5321 as a sender needs. Returns where it puts what came. */
  async mail(t) {
    const mails = [], conf = join(this.data, "perigee.conf");
    const server = createServer((socket) => {
      let text = "", data = false, to = "";
      socket.on("error", () => {}).on("data", (d) => {
        text += d;
        for (let end; (end = text.indexOf(data ? "\r\n.\r\n" : "\r\n")) >= 0;) {
          const part = text.slice(0, end);
          text = text.slice(end + (data ? 5 : 2));
          if (data) mails.push({ to, text: part });
          else if (/^RCPT/i.test(part)) to = /<(.*?)>/.exec(part)[1];
          const ends = /^QUIT/i.test(part) && !data;
          data = !data && /^DATA/i.test(part);
          socket.write(data ? "354 go on\r\n" : ends ? "221 bye\r\n" : "250 yes\r\n");
          if (ends) socket.end();
        }
      }).write("220 sink\r\n");
    });
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    const reread = async () => {
      const before = readFileSync(this.logFile, "utf8").length;
      this.process.kill("SIGHUP");
      for (let i = 0; i < 300 && !/reread|reload/.test(readFileSync(this.logFile, "utf8").slice(before)); i++) await new Promise((done) => setTimeout(done, 50));
    };
    writeFileSync(conf, `mail = smtp+plain://127.0.0.1:${server.address().port}\nmail-from = desk@perigee.example\n`);
    await reread();
    t.ends.push(async () => {
      rmSync(conf);
      await reread();
      server.close();
    });
    return mails;
  }

  /** Somebody writes to the bot. */
  say(chat, text) {
    this.updates++;
    this.written.push({ update_id: this.updates, message: { message_id: this.updates, date: Math.floor(Date.now() / 1000), chat: { id: chat, type: "private", first_name: "Ada" }, from: { id: chat, is_bot: false, first_name: "Ada" }, text } });
  }

  /** `bybit`: where that venue is spoken to (nowhere), with prices of its own then. */
  async serve({ bybit } = {}) {
    this.logFile = `${this.data}.log`;
    this.process = await serve(this, this.data, this.port, this.logFile, bybit);
  }

  async halt(signal = "SIGTERM") {
    await end(this.process, signal);
  }

  /** A second service on a copy of the first one's data, which `change` may do something to before it starts; ended with the case. */
  async twin(t, change = () => {}) {
    const data = mkdtempSync(join(tmpdir(), "perigee-console-")), port = await freePort();
    t.ends.push(() => [data, `${data}.log`].forEach((path) => rmSync(path, { recursive: true, force: true })));
    execFileSync("python3", ["-c", COPY, this.data, data]);
    change(data);
    const process = await serve(this, data, port, `${data}.log`);
    t.ends.push(() => end(process));
    return { url: `http://localhost:${port}`, data };
  }

  /** A venue: `perigee exchange`, with a customer's key. `admin` is its operator's desk: faults, ledger. */
  async exchange(t) {
    const process = spawn(this.perigee, ["exchange", "--listen", "127.0.0.1:0", "--json", "-", "--no-limits", "--seed", "3", "--history", "0", "--key", "testkey:testsecret"], { stdio: ["ignore", "pipe", "inherit"] });
    const { port } = JSON.parse(await new Promise((done) => process.stdout.once("data", (d) => done(String(d)))));
    t.ends.push(() => end(process));
    const url = `http://127.0.0.1:${port}`;
    return { url, secrets: { api_key: "testkey", api_secret: "testsecret" }, admin: (what, body) => fetch(`${url}/admin/${what}`, body ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {}).then((r) => r.json()) };
  }

  async stop() {
    await this.browser?.close().catch(() => {});
    await this.halt();
    this.receiver?.closeAllConnections?.();
    this.receiver?.close();
    if (this.data) {
      for (const name of ["token", "sms"]) rmSync(`${this.data}.${name}`, { force: true });
      rmSync(this.data, { recursive: true, force: true });
      rmSync(`${this.data}.log`, { force: true });
    }
  }

  operatorPassword() {
    return /super_admin: operator@perigee\.local, password ([A-Z2-7]+)/.exec(readFileSync(this.logFile, "utf8"))[1];
  }

  tools(name) {
    return new Tools(this, name);
  }
}

/** One person at the API, by token: what a case sets up need not be clicked. */
class Person {
  constructor(world, email, password) {
    Object.assign(this, { world, email, password });
  }

  async call(method, path, body, expect) {
    const answer = await fetch(`${this.world.url}/api/v1${path}`, {
      method, headers: { ...(this.token ? { Authorization: `Bearer ${this.token}` } : {}), ...(body === undefined ? {} : { "Content-Type": "application/json" }) }, body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (expect ? answer.status !== expect : !answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 500)}`);
    return text ? JSON.parse(text) : null;
  }
  get(path) {
    return this.call("GET", path);
  }
  post(path, body, expect) {
    return this.call("POST", path, body ?? {}, expect);
  }
  async signIn() {
    this.token = (await this.post("/auth/login", { email: this.email, password: this.password })).access_token;
    return this;
  }
}

class Tools {
  constructor(world, name) {
    Object.assign(this, { world, name, url: world.url, contexts: [], faults: [], expected: [], ends: [] });
  }

  /** Somebody new, registered and known to the API. */
  async person(name = "ada") {
    const p = new Person(this.world, `${name}-${++this.world.people}@example.org`, PASSWORD);
    await p.post("/auth/register", { email: p.email, password: p.password });
    return p.signIn();
  }
  async operator() {
    return new Person(this.world, "operator@perigee.local", this.world.operatorPassword()).signIn();
  }

  /** A page of a fresh browser profile; `who` is signed in there as the console does it. */
  async page({ who, path = "/", size = DESK, theme = "light", base = this.url, ...more } = {}) {
    const context = await this.world.browser.newContext({ baseURL: base, viewport: size, colorScheme: theme, reducedMotion: "reduce", locale: "en-GB", timezoneId: "UTC", ...more });
    context.setDefaultTimeout(SLOW);
    this.contexts.push(context);
    const page = await context.newPage();
    page.on("pageerror", (e) => this.faults.push(`exception: ${e.stack ?? e}`));
    page.on("console", (m) => m.type() === "error" && this.faults.push(`console: ${m.text()} (${m.location().url})`));
    page.on("request", (r) => !r.url().startsWith(base) && !/^(data|blob):/.test(r.url()) && this.faults.push(`request to elsewhere: ${r.url()}`));
    if (who) await this.signIn(page, who);
    if (!who || path !== "/") await page.goto(path);
    return page;
  }

  /** By the form, as people do. */
  async signIn(page, who, path = "/login") {
    this.expect(/401/); // /me, asked before anybody is signed in
    await page.goto(path);
    await page.getByLabel("Mail address").fill(who.email);
    await page.getByLabel("Password").fill(who.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator(".shell").waitFor();
  }

  /** A fault that the case brings about itself. Browsers report every answer from 400 on as an error. */
  expect(pattern) {
    this.expected.push(pattern);
  }
  check() {
    const left = this.faults.filter((f) => !this.expected.some((p) => p.test(f)));
    if (left.length) throw new Error(`the page reported:\n${left.join("\n")}`);
  }

  /** No serious fault by axe-core's rules of WCAG 2.1 A and AA; rules: only these. */
  async accessible(page, what = page.url(), rules = undefined) {
    await page.evaluate(this.world.axe);
    // preload: it would copy style sheets of shadow roots (the editor's) into <style> elements, which the page's CSP refuses.
    const found = await page.evaluate((runOnly) => globalThis.axe.run(document, { runOnly, resultTypes: ["violations"], preload: false }), rules ?? ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]);
    const bad = found.violations.filter((v) => v.impact === "serious" || v.impact === "critical");
    if (bad.length) throw new Error(`axe: ${what}\n${bad.map((v) => `${v.id}: ${v.help}\n${v.nodes.slice(0, 5).map((n) => `   ${n.target.join(" ")}  ${n.failureSummary.split("\n").slice(1, 3).join(" ")}`).join("\n")}`).join("\n")}`);
  }

  /** Nothing stands out to the right. */
  async fits(page) {
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (over > 0) {
      const who = await page.evaluate(() => [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).slice(0, 8).map((e) => `${e.tagName.toLowerCase()}.${e.className}`));
      throw new Error(`${page.url()} is ${over} px too wide: ${who.join(", ")}`);
    }
  }

  /** The page as it is, in both themes, at a desk and on a phone, checked by axe and for width; stored when --shots DIR is given (axe looks
   *  at the phone then, too). A theme changes colours only, so of the second one axe looks at those. */
  async look(page, name, { full = true } = {}) {
    const before = page.viewportSize();
    for (const [size, suffix] of [[DESK, "desk"], [PHONE, "phone"]]) {
      await page.setViewportSize(size);
      for (const theme of suffix === "desk" || this.world.shots ? ["light", "dark"] : ["light"]) {
        await page.emulateMedia({ colorScheme: theme });
        // Colours change in transitions; on a busy machine even the shortest takes a while.
        await page.evaluate(async () => {
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          await Promise.all(document.getAnimations().filter((a) => a instanceof CSSTransition).map((a) => a.finished.catch(() => {})));
        });
        if (this.world.shots) {
          mkdirSync(this.world.shots, { recursive: true });
          await page.waitForTimeout(400);
          await this.picture(page, join(this.world.shots, `${name}-${suffix}-${theme}.png`), full);
        }
        if (suffix === "desk" || (theme === "light" && this.world.shots)) await this.accessible(page, `${name} ${suffix} ${theme}`, theme === "dark" ? ["color-contrast"] : undefined);
      }
      await this.fits(page);
    }
    await page.setViewportSize(before);
    await page.emulateMedia({ colorScheme: "light" });
  }

  /** Where a chart is drawn anew with every bar, a busy machine may find no moment for the whole page at once: then what is seen of it. */
  async picture(page, path, full) {
    try {
      await page.screenshot({ path, fullPage: full, timeout: 20_000 });
    } catch (e) {
      if (!full || e.name !== "TimeoutError") throw e;
      console.log(`# ${path}: of the first screen only`);
      await page.screenshot({ path });
    }
  }

  async failed() {
    if (!this.world.shots) return;
    mkdirSync(this.world.shots, { recursive: true });
    for (const [i, context] of this.contexts.entries())
      for (const page of context.pages()) await page.screenshot({ path: join(this.world.shots, `FAILED-${this.name.replace(/\W+/g, "_")}-${i}.png`), fullPage: true }).catch(() => {});
  }

  async close() {
    for (const context of this.contexts) await context.close().catch(() => {});
    for (const last of this.ends.reverse()) await last();
  }
}
