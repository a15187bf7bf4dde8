// clients/ccxt.mjs – the simulated exchange as ccxt has it, REST and streams; only its addresses are changed. Run by exchange.py.
import { setTimeout as sleep } from 'node:timers/promises';
import ccxt from 'ccxt';
import { call, context, run, test, within } from './tap.mjs';

const http = `http://127.0.0.1:${context.port}`, ws = `ws://127.0.0.1:${context.port}`;
const SYMBOL = 'BTC/USDT:USDT';

function redirect(urls) {
  for (const [name, url] of Object.entries(urls)) {
    if (url && typeof url === 'object') redirect(url);
    else if (typeof url === 'string') urls[name] = url.replace(/^https:\/\/[^/]+/, http).replace(/^wss:\/\/[^/]+/, ws);
  }
}

async function connect(key, secret, options = {}) {
  const exchange = new ccxt.pro.bybit({ apiKey: key, secret, enableRateLimit: false, options: { fetchMarkets: { types: ['linear'] }, ...options } });
  redirect(exchange.urls.api);
  await exchange.loadHttpProxyAgent();
  return exchange;
}

const bybit = await connect(context.key, context.secret);
let last;

test('markets and currencies', async (assert) => {
  await bybit.loadMarkets();
  assert.deepEqual(Object.keys(bybit.markets).sort(), ['BTC/USDT:USDT', 'ETH/USDT:USDT', 'SOL/USDT:USDT']);
  const market = bybit.market(SYMBOL);
  assert.equal(market.precision.price, 0.1);
  assert.equal(market.precision.amount, 0.001);
  assert.equal(market.limits.leverage.max, 100);
  assert.ok(market.linear && market.swap && market.active);
  assert.ok(bybit.currencies.USDT);
  const all = await connect(context.key, context.secret, { fetchMarkets: { types: ['spot', 'linear', 'inverse', 'option'] } });
  assert.equal(Object.keys(await all.loadMarkets()).length, 3);
  await all.close();
});

test('time, candles, ticker, book, trades, funding', async (assert) => {
  assert.ok(Math.abs((await bybit.fetchTime()) - Date.now()) < 1000);
  const candles = await bybit.fetchOHLCV(SYMBOL, '1m', undefined, 300);
  assert.equal(candles.length, 300);
  for (let i = 0; i < candles.length; i++) {
    const [t, open, high, low, close] = candles[i];
    assert.ok(low <= Math.min(open, close) && high >= Math.max(open, close));
    if (i > 0) assert.equal(t - candles[i - 1][0], 60000);
  }
  const since = candles[100][0];
  assert.deepEqual((await bybit.fetchOHLCV(SYMBOL, '1m', since, 50)).map((c) => c[0]), candles.slice(100, 150).map((c) => c[0]));
  const hours = await bybit.fetchOHLCV(SYMBOL, '1h');
  assert.ok(hours.length >= 24 && hours.every((c) => c[0] % 3600000 === 0));
  const ticker = await bybit.fetchTicker(SYMBOL);
  last = ticker.last;
  assert.ok(ticker.bid < ticker.ask && ticker.low <= last && last <= ticker.high);
  const book = await bybit.fetchOrderBook(SYMBOL, 25);
  assert.equal(book.bids.length, 25);
  assert.ok(book.bids[0][0] < book.asks[0][0] && book.bids[0][0] > book.bids[24][0]);
  assert.ok(Array.isArray(await bybit.fetchTrades(SYMBOL)));
  assert.equal((await bybit.fetchFundingRate(SYMBOL)).fundingRate, 0.0001);
});

test('balance, leverage, modes', async (assert) => {
  assert.deepEqual(await bybit.fetchBalance().then(({ USDT }) => [USDT.total, USDT.free, USDT.used]), [100000, 100000, 0]);
  await bybit.setLeverage(5, SYMBOL);
  await assert.rejects(bybit.setLeverage(5, SYMBOL), /110043/);
  await bybit.setPositionMode(true, SYMBOL);
  await bybit.setPositionMode(false, SYMBOL);
  assert.equal((await bybit.fetchTradingFee(SYMBOL)).taker, 0.00055);
});

test('place, look up, amend, cancel', async (assert) => {
  const price = Math.round(last * 0.9);
  const order = await bybit.createOrder(SYMBOL, 'limit', 'buy', 0.01, price, { clientOrderId: 'ccxt-1' });
  const [open] = await bybit.fetchOpenOrders(SYMBOL);
  assert.deepEqual([open.id, open.clientOrderId, open.price, open.amount, open.filled, open.status, open.side], [order.id, 'ccxt-1', price, 0.01, 0, 'open', 'buy']);
  await bybit.editOrder(order.id, SYMBOL, 'limit', 'buy', 0.02, price - 100);
  const amended = await bybit.fetchOpenOrder(order.id, SYMBOL);
  assert.deepEqual([amended.amount, amended.price], [0.02, price - 100]);
  assert.ok((await bybit.fetchBalance()).USDT.used > 0);
  await bybit.cancelOrder(order.id, SYMBOL);
  assert.deepEqual(await bybit.fetchOpenOrders(SYMBOL), []);
  assert.equal((await bybit.fetchCanceledOrders(SYMBOL))[0].id, order.id);
  await bybit.createOrder(SYMBOL, 'limit', 'buy', 0.01, price);
  await bybit.createOrder(SYMBOL, 'limit', 'buy', 0.01, price, { postOnly: true });
  assert.equal((await bybit.cancelAllOrders(SYMBOL)).length, 2);
});

test('errors have the classes that ccxt gives the venue\'s codes', async (assert) => {
  const rejects = (promise, type) => assert.rejects(promise, (error) => error instanceof type || assert.fail(`${error.constructor.name}: ${error.message}`));
  const price = Math.round(last * 0.9);
  await rejects(bybit.createOrder(SYMBOL, 'limit', 'buy', 0.01, price, { clientOrderId: 'ccxt-1' }), ccxt.InvalidOrder);
  await rejects(bybit.cancelOrder('nowhere', SYMBOL), ccxt.OrderNotFound);
  await rejects(bybit.createOrder(SYMBOL, 'limit', 'buy', 100, price), ccxt.InsufficientFunds);
  await rejects((await connect(context.key, 'wrong')).fetchBalance(), ccxt.AuthenticationError);
  await rejects((await connect('nobody', 'x')).fetchBalance(), ccxt.AuthenticationError);
  const reader = await connect('reader', 'readersecret');
  await reader.loadMarkets();
  await reader.fetchBalance();
  await rejects(reader.createOrder(SYMBOL, 'limit', 'buy', 0.01, price), ccxt.PermissionDenied);
});

test('fills by REST and by the private streams are the ledger\'s', async (assert) => {
  const orders = [], trades = [];
  const watch = async (name, into) => { for (;;) into.push(...await bybit[name]()); };
  watch('watchOrders', orders).catch(() => {});
  watch('watchMyTrades', trades).catch(() => {});
  assert.deepEqual((await bybit.watchPositions([SYMBOL])).filter((p) => p.contracts), []);  // what REST has, at first
  const positions = bybit.watchPositions([SYMBOL]);
  positions.catch(() => {});
  await sleep(300);
  const order = await bybit.createOrder(SYMBOL, 'market', 'buy', 0.05, undefined, { clientOrderId: 'ccxt-2' });
  await within(5000, 'fill', (async () => { while (!orders.some((o) => o.id === order.id && o.status === 'closed')) await sleep(20); })());
  await within(5000, 'trade', (async () => { while (!trades.some((t) => t.order === order.id)) await sleep(20); })());
  const ledger = (await call('GET', '/admin/ledger')).json.executions.filter((e) => e.orderId === order.id);
  const mine = (await bybit.fetchMyTrades(SYMBOL)).filter((t) => t.order === order.id);
  const key = (t) => [t.id, t.price, t.amount, t.fee.cost].join();
  assert.deepEqual(mine.map(key).sort(), ledger.map((e) => [e.execId, Number(e.execPrice), Number(e.execQty), Number(e.execFee)].join()).sort());
  assert.deepEqual(trades.filter((t) => t.order === order.id).map(key).sort(), mine.map(key).sort());
  const [position] = await bybit.fetchPositions([SYMBOL]);
  assert.deepEqual([position.side, position.contracts, position.leverage], ['long', 0.05, 5]);
  assert.ok(Math.abs(position.entryPrice - mine.reduce((sum, t) => sum + t.cost, 0) / 0.05) < 1e-6);
  const [closed] = await bybit.fetchClosedOrders(SYMBOL);
  assert.deepEqual([closed.id, closed.status, closed.filled, closed.clientOrderId], [order.id, 'closed', 0.05, 'ccxt-2']);
  assert.equal((await within(5000, 'position', positions))[0].contracts, 0.05);
});

test('stops of a position, a trigger, and closing', async (assert) => {
  await bybit.createOrder(SYMBOL, 'market', 'sell', 0.05, undefined, { stopLossPrice: Math.round(last * 0.8), reduceOnly: true });
  await bybit.createOrder(SYMBOL, 'market', 'buy', 0.01, undefined, { triggerPrice: Math.round(last * 1.2), triggerDirection: 'ascending' });
  assert.deepEqual((await bybit.fetchOpenOrders(SYMBOL, undefined, undefined, { trigger: true })).map((o) => o.triggerPrice).sort((a, b) => a - b), [Math.round(last * 0.8), Math.round(last * 1.2)]);
  await bybit.createOrder(SYMBOL, 'market', 'sell', 0.05, undefined, { reduceOnly: true });
  assert.equal((await bybit.fetchPosition(SYMBOL)).contracts ?? 0, 0);
  await bybit.cancelAllOrders(SYMBOL);
  assert.equal((await bybit.fetchPositionsHistory([SYMBOL]))[0].symbol, SYMBOL);
});

test('public streams: book, ticker, candles, trades', async (assert) => {
  const [book, ticker, candles, trades] = await within(8000, 'public streams', Promise.all([bybit.watchOrderBook(SYMBOL, 50), bybit.watchTicker(SYMBOL), bybit.watchOHLCV(SYMBOL, '1m'), bybit.watchTrades(SYMBOL)]));
  assert.ok(book.bids.length === 50 && book.bids[0][0] < book.asks[0][0]);
  assert.ok(ticker.last > 0 && candles.length > 0 && trades[0].price > 0);
});

await run();
