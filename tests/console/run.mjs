// The consoles in a real browser against the real binary.   node run.mjs PERIGEE [--shots DIR] [--only TEXT] [--console DIR] [FILE.case.mjs …]
//
// Starts `perigee serve` with a data directory of its own and one Chromium, runs the cases of every *.case.mjs here and prints TAP.
// A case gets `t` (browser.mjs) and fails by throwing. Whatever a page reports on its own – an exception, an error on the console, a
// violation of CSP, a request to anywhere else – fails the case as well. --console DIR: what `npm run build` made, not what is in the
// binary. Skipped when Chromium or the packages are missing.
//
//   export const feeds = ["mt5-ea=sim:speed=300"];   prices of further venues, for all cases of this run
//   export const cases = { "what is true": async (t) => { const page = await t.page(); … } };
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const args = process.argv.slice(2);
const option = (name) => {
  const i = args.indexOf(name);
  return i < 0 ? undefined : args.splice(i, 2)[1];
};
const shots = option("--shots"), only = option("--only"), consoleDir = option("--console");
const [perigee, ...named] = args;
if (!perigee) {
  console.error("usage: node run.mjs PERIGEE [--shots DIR] [--only TEXT] [FILE.case.mjs …]");
  process.exit(2);
}

const chromium = [process.env.PERIGEE_CHROMIUM, "/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => path && existsSync(path));
const packages = join(here, "../../admin/console/node_modules");
const absent = [!chromium && "Chromium", !existsSync(join(packages, "playwright-core/package.json")) && "the console's packages"].filter(Boolean);
if (absent.length) {
  console.log(`1..0 # SKIP ${absent.join(" and ")} missing: admin/setup`);
  process.exit(0);
}

const { World } = await import("./browser.mjs");
const files = named.length ? named.map((f) => resolve(f)) : readdirSync(here).filter((f) => f.endsWith(".case.mjs")).sort().map((f) => join(here, f));
const list = [], feeds = [];
for (const file of files) {
  const module = await import(pathToFileURL(file));
  feeds.push(...(module.feeds ?? []));
  for (const [name, run] of Object.entries(module.cases)) if (!only || `${basename(file)} ${name}`.includes(only)) list.push([`${basename(file, ".case.mjs")}: ${name}`, run]);
}

const world = new World({ perigee: resolve(perigee), chromium, packages, shots: shots && resolve(shots), consoleDir: consoleDir && resolve(consoleDir), feeds });
console.log(`1..${list.length}`);
let failed = 0;
try {
  await world.start();
  for (const [i, [name, run]] of list.entries()) {
    const since = Date.now();
    let error = null;
    const t = world.tools(name);
    try {
      await run(t);
      t.check();
    } catch (e) {
      error = e;
      await t.failed();
    }
    await t.close();
    failed += error ? 1 : 0;
    console.log(`${error ? "not ok" : "ok"} ${i + 1} - ${name} # ${Date.now() - since} ms`);
    if (error) console.log(String(error.stack ?? error).split("\n").map((l) => `# ${l}`).join("\n"));
  }
} catch (e) {
  console.log(`Bail out! ${e.stack ?? e}`);
  failed++;
} finally {
  await world.stop();
}
process.exitCode = failed ? 1 : 0;
