// What tests run: types made anew from the binary's description, then tsc.   node scripts/check.mjs PERIGEE
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const console_ = join(dirname(fileURLToPath(import.meta.url)), "..");
if (!existsSync(join(console_, "node_modules/typescript"))) {
  console.log("skipped: the console's packages are missing: admin/setup");
  process.exit(77);
}
const run = (...args) => {
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit", cwd: console_ });
  if (status) process.exit(status);
};
run(join(console_, "scripts/types.mjs"), ...process.argv.slice(2));
run(join(console_, "node_modules/typescript/bin/tsc"), "--noEmit", "-p", console_);
