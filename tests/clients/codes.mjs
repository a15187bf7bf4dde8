// clients/codes.mjs – authenticator apps as others wrote them: otplib (npm) and oathtool make the codes of the second factor; each
// works once. Run by npm.py.
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import otplib from 'otplib';
import { call, context, run, test } from './tap.mjs';

const STEP_MS = 30000;
const login = (code) => call('POST', '/api/v1/auth/login', { body: { email: context.email, password: context.password, code } });
const refused = (assert, answer) => {
  assert.equal(answer.status, 401, JSON.stringify(answer));
  assert.equal(answer.json.code, 'invalid_credentials');
};

// All codes are of three steps around the same moment, so that no test waits for a step to pass; a few seconds of this one must be left.
const left = STEP_MS - Date.now() % STEP_MS;
if (left < 10000) await sleep(left + 50);
const began = Date.now();
const ofOtplib = (steps) => otplib.authenticator.clone({ epoch: began + steps * STEP_MS }).generate(secret);
const ofOathtool = (steps) => execFileSync('oathtool', ['--totp', '--base32', '--now', new Date(began + steps * STEP_MS).toISOString().replace('T', ' ').replace(/\..*/, ' UTC'), secret])
  .toString().trim();
let secret;

test('the address for apps says what otplib reads by default: SHA-1, six digits, 30 s', async (assert) => {
  const answer = await call('POST', '/api/v1/auth/enable-2fa', { token: context.token, body: { password: context.password } });
  assert.equal(answer.status, 200, JSON.stringify(answer));
  secret = answer.json.secret;
  const uri = new URL(answer.json.otpauth_uri);
  assert.equal(uri.protocol, 'otpauth:');
  assert.equal(uri.host, 'totp');
  assert.equal(uri.searchParams.get('secret'), secret);
  for (const [name, usual] of [['algorithm', 'SHA1'], ['digits', '6'], ['period', '30']]) assert.equal(uri.searchParams.get(name) ?? usual, usual);
  assert.ok(decodeURIComponent(uri.pathname).endsWith(context.email), uri.pathname);
});

test('otplib and oathtool agree on it', async (assert) => {
  for (const steps of [-1, 0, 1]) assert.equal(ofOtplib(steps), ofOathtool(steps));
});

test('a code of the step before the last, and one of the next step, are refused', async (assert) => {
  for (const steps of [-2, 1]) refused(assert, await call('POST', '/api/v1/auth/verify-2fa', { token: context.token, body: { code: ofOtplib(steps) } }));
});

test("oathtool's code confirms the second factor", async (assert) => {
  const answer = await call('POST', '/api/v1/auth/verify-2fa', { token: context.token, body: { code: ofOathtool(-1) } });
  assert.equal(answer.status, 200, JSON.stringify(answer));
  assert.ok(answer.json.recovery_codes.length >= 8);
});

test('the same code again, at login: refused', async (assert) => refused(assert, await login(ofOathtool(-1))));

test("otplib's code of this step signs in, once", async (assert) => {
  const answer = await login(ofOtplib(0));
  assert.equal(answer.status, 200, JSON.stringify(answer));
  const me = await call('GET', '/api/v1/me', { token: answer.json.access_token });
  assert.equal(me.json.email, context.email);
  refused(assert, await login(ofOtplib(0)));
});

test('a code of an earlier step than one already used: refused', async (assert) => refused(assert, await login(ofOtplib(-1))));

await run();
