// What the cases work with: a service, a browser, people who are signed in, and checks that hold for every page.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, openSync, closeSync } from "node:fs";
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
    await this.serve();
    this.browser = await this.playwright.chromium.launch({ executablePath: this.chromium, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
  }

  async serve() {
    this.logFile = `${this.data}.log`;
    const log = openSync(this.logFile, "a");
    this.process = spawn(this.perigee, ["serve", "--data-dir", this.data, "--listen", `127.0.0.1:${this.port}`, "--feed", "sim=sim:speed=300", "--parity-hour", "-1", ...(this.consoleDir ? ["--console-dir", this.consoleDir] : [])], {
      stdio: ["ignore", log, log], env: { ...process.env, PERIGEE_RATE_PERCENT: "0", PERIGEE_CHECK_ANSWERS: "1", PERIGEE_VENUE_URL: "bybit=http://127.0.0.1:9 luno=http://127.0.0.1:9" },
    });
    closeSync(log);
    for (let i = 0; ; i++) {
      if (this.process.exitCode !== null) throw new Error(`serve ended with ${this.process.exitCode}:\n${readFileSync(this.logFile, "utf8").slice(-2000)}`);
      if (await fetch(`${this.url}/ready`).then((r) => r.ok, () => false)) return;
      if (i > 600) throw new Error(`not ready in a minute:\n${readFileSync(this.logFile, "utf8").slice(-2000)}`);
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  async halt(signal = "SIGTERM") {
    if (!this.process || this.process.exitCode !== null) return;
    const ended = new Promise((done) => this.process.once("exit", done));
    this.process.kill(signal);
    await ended;
  }

  async stop() {
    await this.browser?.close().catch(() => {});
    await this.halt();
    if (this.data) {
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
    Object.assign(this, { world, name, url: world.url, contexts: [], faults: [], expected: [] });
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
  async page({ who, path = "/", size = DESK, theme = "light", ...more } = {}) {
    const context = await this.world.browser.newContext({ baseURL: this.url, viewport: size, colorScheme: theme, reducedMotion: "reduce", locale: "en-GB", timezoneId: "UTC", ...more });
    context.setDefaultTimeout(SLOW);
    this.contexts.push(context);
    const page = await context.newPage();
    page.on("pageerror", (e) => this.faults.push(`exception: ${e.stack ?? e}`));
    page.on("console", (m) => m.type() === "error" && this.faults.push(`console: ${m.text()} (${m.location().url})`));
    page.on("request", (r) => !r.url().startsWith(this.url) && !/^(data|blob):/.test(r.url()) && this.faults.push(`request to elsewhere: ${r.url()}`));
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

  /** No serious fault by axe-core's rules of WCAG 2.1 A and AA. */
  async accessible(page, what = page.url()) {
    await page.evaluate(this.world.axe);
    // preload: it would copy style sheets of shadow roots (the editor's) into <style> elements, which the page's CSP refuses.
    const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], resultTypes: ["violations"], preload: false }));
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
   *  at the phone then, too). */
  async look(page, name, { full = true } = {}) {
    const before = page.viewportSize();
    for (const [size, suffix] of [[DESK, "desk"], [PHONE, "phone"]]) {
      await page.setViewportSize(size);
      for (const theme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme: theme });
        // Colours change in transitions; on a busy machine even the shortest takes a while.
        await page.evaluate(async () => {
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          await Promise.all(document.getAnimations().filter((a) => a instanceof CSSTransition).map((a) => a.finished.catch(() => {})));
        });
        if (this.world.shots) {
          mkdirSync(this.world.shots, { recursive: true });
          await page.waitForTimeout(400);
          await page.screenshot({ path: join(this.world.shots, `${name}-${suffix}-${theme}.png`), fullPage: full });
        }
        if (suffix === "desk" || (theme === "light" && this.world.shots)) await this.accessible(page, `${name} ${suffix} ${theme}`);
      }
      await this.fits(page);
    }
    await page.setViewportSize(before);
    await page.emulateMedia({ colorScheme: "light" });
  }

  async failed() {
    if (!this.world.shots) return;
    mkdirSync(this.world.shots, { recursive: true });
    for (const [i, context] of this.contexts.entries())
      for (const page of context.pages()) await page.screenshot({ path: join(this.world.shots, `FAILED-${this.name.replace(/\W+/g, "_")}-${i}.png`), fullPage: true }).catch(() => {});
  }

  async close() {
    for (const context of this.contexts) await context.close().catch(() => {});
  }
}
