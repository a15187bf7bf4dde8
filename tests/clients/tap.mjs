// clients/tap.mjs – test cases in order, printed as TAP, and what the scripts of this folder share: the service that npm.py
// has started for them (its address, an account, its keys) and an HTTP call that keeps the answer's JSON.
import assert from 'node:assert/strict';

export const context = JSON.parse(process.env.PERIGEE_CLIENT_CONTEXT);
export const base = `http://127.0.0.1:${context.port}`;

export async function call(method, path, { body, token } = {}) {
  const headers = {};
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  const response = await fetch(base + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await response.text();
  return { status: response.status, json: text ? JSON.parse(text) : null };
}

// The promise's value, or an error that names what did not come.
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`no ${what} within ${ms} ms`)), ms); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const cases = [];
export const test = (title, run) => cases.push([title, run]);

export async function run() {
  console.log(`1..${cases.length}`);
  let failed = 0;
  for (const [i, [title, body]] of cases.entries()) {
    try {
      await body(assert);
      console.log(`ok ${i + 1} - ${title}`);
    } catch (error) {
      failed++;
      console.log(`not ok ${i + 1} - ${title}`);
      console.log(String(error?.stack ?? error).split('\n').map((line) => `# ${line}`).join('\n'));
    }
  }
  process.exit(failed ? 1 : 0);  // a socket left open must not keep us
}
