// clients/stream.mjs – the stream as ws and undici (npm) speak it: signing in, events without holes, resume, closing. And undici's
// pipelining: many requests in flight on one connection, each with its own answer. Run by npm.py.
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, WebSocket as UndiciSocket } from 'undici';
import WebSocket from 'ws';
import { base, call, context, run, test, within } from './tap.mjs';

const address = `ws://127.0.0.1:${context.port}/api/v1/ws`;

// Either library's socket: both have the browser's events.
class Stream {
  constructor(socket) {
    this.socket = socket;
    this.heard = [];
    this.waiting = [];
    socket.addEventListener('message', ({ data }) => {
      this.heard.push(JSON.parse(data));
      this.waiting = this.waiting.filter((look) => !look());
    });
    this.closed = new Promise((resolve) => socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason })));
    this.open = new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    this.open.catch(() => {});
  }

  say(message) { this.socket.send(typeof message === 'string' ? message : JSON.stringify(message)); }

  // The first message, heard already or to come, that fits.
  hear(fits) {
    return within(10000, 'message', new Promise((resolve) => {
      const look = () => {
        const message = this.heard.find(fits);
        if (message) resolve(message);
        return message !== undefined;
      };
      if (!look()) this.waiting.push(look);
    }));
  }

  async authenticated(token = context.token) {
    await within(5000, 'handshake', this.open);
    this.say({ op: 'auth', token });
    const answer = await this.hear((m) => m.op === 'auth');
    if (answer.ok !== true) throw new Error(JSON.stringify(answer));
    return this;
  }
}
const libraries = { ws: () => new Stream(new WebSocket(address)), undici: () => new Stream(new UndiciSocket(address)) };

async function backtest() {
  const answer = await call('POST', '/api/v1/backtests', { token: context.token,
    body: { strategy_id: context.strategy, data: [{ symbol: 'BTCUSDT', timeframe: '1h' }] } });
  if (answer.status !== 202) throw new Error(JSON.stringify(answer));
  return `backtest:${answer.json.id}`;
}

for (const [name, connect] of Object.entries(libraries)) {
  const done = (channel) => (m) => m.ch === channel && m.type === 'done';
  let channel, events;

  test(`${name}: the progress of a backtest, numbered without holes, to its end`, async (assert) => {
    const stream = await connect().authenticated();
    channel = await backtest();
    stream.say({ op: 'subscribe', channels: [channel, 'backtest:bkt_0000000000000'] });
    const subscribed = await stream.hear((m) => m.op === 'subscribed');
    assert.equal(subscribed.channels[0].ch, channel);
    assert.equal(subscribed.denied.length, 1);
    await stream.hear(done(channel));
    events = stream.heard.filter((m) => m.ch === channel);
    assert.ok(events.length >= 2, JSON.stringify(events));
    assert.deepEqual(events.map((m) => m.seq), events.map((_, i) => subscribed.channels[0].seq + 1 + i));
    for (const event of events) {
      assert.deepEqual(Object.keys(event).sort(), ['ch', 'data', 'seq', 'ts', 'type']);
      assert.ok(Math.abs(event.ts - Date.now()) < 60000, `ts ${event.ts}`);
    }
    stream.socket.close(1000, 'done');
    assert.equal((await within(3000, 'close', stream.closed)).code, 1000);
  });

  test(`${name}: resume on a new connection replays exactly what was missed`, async (assert) => {
    const stream = await connect().authenticated();
    stream.say({ op: 'resume', ch: channel, seq: events[0].seq });
    const resumed = await stream.hear((m) => m.op === 'resumed');
    assert.equal(resumed.complete, true);
    await stream.hear((m) => m.type !== undefined && m.seq === resumed.seq);
    assert.deepEqual(stream.heard.filter((m) => m.type !== undefined), events.slice(1));
    stream.say({ op: 'resume', ch: channel, seq: 1 });
    assert.equal((await stream.hear((m) => m.op === 'resumed' && m.complete === false)).seq, resumed.seq);
    stream.socket.close();
    await within(3000, 'close', stream.closed);
  });

  test(`${name}: mistakes are answered and the connection goes on`, async (assert) => {
    const stream = await connect().authenticated();
    for (const [said, code] of [['{', 'malformed_json'], ['[]', 'malformed_json'], ['{"op":"nonsense"}', 'validation_failed'], ['{"op":"subscribe"}', 'validation_failed'],
      ['{"op":"resume","ch":"orders"}', 'validation_failed'], ['{"op":"ping","op":"ping"}', 'malformed_json']]) {
      const before = stream.heard.length;
      stream.say(said);
      await stream.hear((m) => stream.heard.indexOf(m) >= before);
      assert.equal(stream.heard[before].op, 'error', said);
      assert.equal(stream.heard[before].code, code, said);
    }
    stream.say({ op: 'ping' });
    await stream.hear((m) => m.op === 'pong');
    stream.socket.close();
    await within(3000, 'close', stream.closed);
  });

  test(`${name}: no auth, a wrong token, binary and oversized messages: closed with the code for it`, async (assert) => {
    const closes = async (message, code, signedIn = true) => {
      const stream = connect();
      await (signedIn ? stream.authenticated() : within(5000, 'handshake', stream.open));
      stream.socket.send(message);
      assert.equal((await within(5000, 'close', stream.closed)).code, code, String(message).slice(0, 40));
    };
    await closes('{"op":"subscribe","channels":["orders"]}', 4401, false);
    await closes('{"op":"auth","token":"nonsense"}', 4401, false);
    await closes('{"op":"auth"}', 4401, false);
    await closes(new Uint8Array([1, 2, 3]), 1003);
    await closes(`"${'x'.repeat(70000)}"`, 1009);
  });

  test(`${name}: another user's channel is denied as if it were not`, async (assert) => {
    const stream = await connect().authenticated(context.otherToken);
    stream.say({ op: 'subscribe', channels: [channel, 'backtest:bkt_0000000000000'] });
    const { channels, denied } = await stream.hear((m) => m.op === 'subscribed');
    assert.deepEqual(channels, []);
    assert.deepEqual(denied.map((d) => d.code), ['not_found', 'not_found']);
    stream.say({ op: 'resume', ch: channel, seq: events[0].seq });
    await sleep(300);
    assert.ok(!stream.heard.some((m) => m.type !== undefined), JSON.stringify(stream.heard));
    stream.socket.close();
    await within(3000, 'close', stream.closed);
  });
}

test('ws: a ping is answered with its own bytes', async (assert) => {
  const stream = await libraries.ws().authenticated();
  const pong = new Promise((resolve) => stream.socket.once('pong', (bytes) => resolve(bytes.toString())));
  stream.socket.ping('hey');
  assert.equal(await within(3000, 'pong', pong), 'hey');
  stream.socket.terminate();
});

test('ws: a foreign Origin gets 403, our own and none get in; an offered extension and subprotocol are not taken', async (assert) => {
  const upgrade = (options) => new Promise((resolve, reject) => {
    const socket = new WebSocket(address, ['chat'], options);
    socket.on('upgrade', (response) => { resolve([101, response.headers]); socket.terminate(); });
    socket.on('unexpected-response', (_, response) => { resolve([response.statusCode, response.headers]); socket.terminate(); });
    socket.on('error', (error) => setTimeout(() => reject(error), 500));
  });
  assert.equal((await upgrade({ origin: 'https://evil.example' }))[0], 403);
  assert.equal((await upgrade({ origin: 'null' }))[0], 403);
  assert.equal((await upgrade({ origin: base }))[0], 101);
  const [status, headers] = await upgrade({ perMessageDeflate: true });
  assert.equal(status, 101);
  assert.equal(headers['sec-websocket-extensions'], undefined);
  assert.equal(headers['sec-websocket-protocol'], undefined);
});

test('ws: more messages than a client may send: 4429', async (assert) => {
  const stream = await libraries.ws().authenticated();
  for (let i = 0; i < 200; i++) stream.say({ op: 'ping' });
  assert.equal((await within(5000, 'close', stream.closed)).code, 4429);
});

test('undici: 400 requests, 16 in flight on one connection, each with its own answer', async (assert) => {
  const client = new Client(base, { pipelining: 16 });
  const asked = Array.from({ length: 400 }, async (_, i) => {
    const path = ['/api/v1/me', '/health', `/api/v1/nothing-${i}`][i % 3];
    const answer = await client.request({ path, method: 'GET', headers: { authorization: `Bearer ${context.token}`, 'x-request-id': `asked-${i}` } });
    const body = await answer.body.json();
    assert.equal(answer.statusCode, [200, 200, 404][i % 3], `${path} ${JSON.stringify(body)}`);
    if (i % 3 === 0) assert.equal(body.email, context.email);
    return answer.headers['x-request-id'];
  });
  const ids = await within(20000, 'answers', Promise.all(asked));
  assert.equal(new Set(ids).size, 400);
  await client.close();
});

await run();
