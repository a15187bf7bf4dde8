// Unit tests: src/**/*.test.ts, bundled by the esbuild that comes with Vite, run by Node's own runner.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = join(dirname(fileURLToPath(import.meta.url)), "..");
if (!existsSync(join(here, "node_modules/esbuild"))) {
  console.log("1..0 # SKIP the console's packages are missing: admin/setup");
  process.exit(0);
}
const { build } = await import("esbuild");
const out = join(here, "node_modules/.perigee-unit", String(process.pid));
const tests = (dir) => readdirSync(dir, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? tests(join(dir, e.name)) : e.name.endsWith(".test.ts") ? [join(dir, e.name)] : []));
const entryPoints = tests(join(here, "src"));
mkdirSync(out, { recursive: true });
try {
  await build({ entryPoints, outdir: out, outbase: join(here, "src"), bundle: true, platform: "node", format: "esm", outExtension: { ".js": ".mjs" }, alias: { "~": join(here, "src") }, logLevel: "warning" });
  const files = entryPoints.map((f) => join(out, f.slice(join(here, "src").length + 1).replace(/\.ts$/, ".mjs")));
  process.exitCode = spawnSync(process.execPath, ["--test", ...process.argv.slice(2), ...files], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
