// clients/tokens.mjs – jose (npm) and the access tokens: it verifies the service's own with the key of DIR/keys/token-T.key that
// the header's kid (T in hex) names; what it forges, the service refuses. Run by npm.py.
import fs from 'node:fs';
import path from 'node:path';
import * as jose from 'jose';
import { call, context, run, test } from './tap.mjs';

const header = jose.decodeProtectedHeader(context.token);
const claims = jose.decodeJwt(context.token);
const secret = Buffer.from(fs.readFileSync(path.join(context.keys, `token-${parseInt(header.kid, 16)}.key`), 'utf8').trim(), 'hex');
const now = () => Math.floor(Date.now() / 1000);
const sign = (payload, key = secret, head = header) => new jose.SignJWT(payload).setProtectedHeader(head).sign(key, { crit: { purpose: true } });
const base64url = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const [head64, claims64, mac64] = context.token.split('.');
const strict = { algorithms: ['HS256'], issuer: claims.iss, audience: 'perigee-api', typ: 'at+jwt', maxTokenAge: '15m', clockTolerance: 0,
  requiredClaims: ['sub', 'tenant', 'sid', 'roles', 'mfa', 'iat', 'nbf', 'exp'] };

test('jose verifies an access token: algorithm, key, type, issuer, audience, times', async (assert) => {
  const { payload, protectedHeader } = await jose.jwtVerify(context.token, secret, strict);
  assert.equal(payload.sub, context.id);
  assert.equal(payload.exp - payload.iat, 15 * 60);
  assert.deepEqual(Object.keys(protectedHeader).sort(), ['alg', 'kid', 'typ']);
});

test('jose refuses what the service did not write', async (assert) => {
  const swapped = `${head64}.${base64url({ ...claims, sub: context.other })}.${mac64}`;
  await assert.rejects(jose.jwtVerify(swapped, secret, strict), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' });
  await assert.rejects(jose.jwtVerify(context.token, Buffer.alloc(32, 7), strict), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' });
  await assert.rejects(jose.jwtVerify(context.token, secret, { ...strict, audience: 'other' }), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' });
});

const status = async (token) => (await call('GET', '/api/v1/me', { token })).status;

test('control: signed again by jose with the right key, the same token is accepted', async (assert) => {
  assert.equal(await status(await sign(claims)), 200);
});

const forged = {
  'alg none': () => new jose.UnsecuredJWT(claims).encode(),
  'alg none, our header fields': () => `${base64url({ ...header, alg: 'none' })}.${claims64}.`,
  'alg none, the old signature': () => `${base64url({ ...header, alg: 'none' })}.${claims64}.${mac64}`,
  'another key': () => sign(claims, Buffer.alloc(32, 7)),
  'the empty key': async () => {
    const { createHmac } = await import('node:crypto');  // jose makes no such thing
    return `${head64}.${claims64}.${createHmac('sha256', '').update(`${head64}.${claims64}`).digest('base64url')}`;
  },
  'HS512 with our key': () => sign(claims, Buffer.concat([secret, secret]), { ...header, alg: 'HS512' }),
  'HS384 with our key': () => sign(claims, Buffer.concat([secret, secret.subarray(0, 16)]), { ...header, alg: 'HS384' }),
  'EdDSA with a key of its own in the header': async () => {
    const pair = await jose.generateKeyPair('EdDSA');
    return sign(claims, pair.privateKey, { ...header, alg: 'EdDSA', jwk: await jose.exportJWK(pair.publicKey) });
  },
  'encrypted with our key': () => new jose.EncryptJWT(claims).setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: header.kid }).encrypt(secret),
  'no kid': () => sign(claims, secret, { alg: 'HS256', typ: header.typ }),
  'another kid': () => sign(claims, secret, { ...header, kid: '0' }),
  'a kid that is a path': () => sign(claims, Buffer.alloc(32), { ...header, kid: '../../../dev/null' }),
  'typ JWT': () => sign(claims, secret, { ...header, typ: 'JWT' }),
  'typ of the step before the second factor': () => sign(claims, secret, { ...header, typ: 'pending+jwt' }),
  'crit in the header': () => sign(claims, secret, { ...header, crit: ['purpose'], purpose: 'x' }),
  'another audience': () => sign({ ...claims, aud: 'other' }),
  'a list of audiences': () => sign({ ...claims, aud: [claims.aud, 'other'] }),
  'another issuer': () => sign({ ...claims, iss: 'https://evil.example' }),
  'no audience': () => sign({ ...claims, aud: undefined }),
  'no exp': () => sign({ ...claims, exp: undefined }),
  'exp as text': () => sign({ ...claims, exp: String(claims.exp) }),
  'exp beyond all times': () => sign({ ...claims, exp: 1e300 }),
  'not valid yet': () => sign({ ...claims, nbf: now() + 3600 }),
  'a user that is none': () => sign({ ...claims, sub: 'usr_0000000000000' }),
  'signature cut off': () => `${head64}.${claims64}.`,
  'signature cut short': () => context.token.slice(0, -1),
  'a byte more': () => `${context.token}A`,
  'a part more': () => `${context.token}.${mac64}`,
  'claims swapped': () => `${head64}.${base64url({ ...claims, sub: context.other })}.${mac64}`,
  'claims with a claim twice': () => {
    const twice = base64url(JSON.stringify(claims).replace('{', `{"sub":"${context.other}",`));
    return `${head64}.${twice}.${mac64}`;
  },
};
for (const [name, make] of Object.entries(forged)) {
  test(`the service refuses: ${name}`, async (assert) => {
    const answer = await call('GET', '/api/v1/me', { token: await make() });
    assert.equal(answer.status, 401, JSON.stringify(answer));
    assert.equal(answer.json.code, 'unauthenticated');
  });
}

test('the service refuses: a signature with one bit turned, in each of its bytes', async (assert) => {
  for (let i = 0; i < 32; i++) {
    const mac = Buffer.from(mac64, 'base64url');
    mac[i] ^= 1 << i % 8;
    assert.equal(await status(`${head64}.${claims64}.${mac.toString('base64url')}`), 401, `byte ${i}`);
  }
});

test('the service refuses an expired token, and says that it is that', async (assert) => {
  const answer = await call('GET', '/api/v1/me', { token: await sign({ ...claims, iat: now() - 1200, nbf: now() - 1200, exp: now() - 120 }) });
  assert.equal(answer.status, 401);
  assert.equal(answer.json.code, 'token_expired');
});

test('roles come from the account, not from the token alone: a token that claims super_admin opens no operator route', async (assert) => {
  const answer = await call('GET', '/api/v1/admin/users', { token: await sign({ ...claims, roles: ['super_admin'] }) });
  assert.ok([401, 403, 404].includes(answer.status), JSON.stringify(answer));
});

await run();
