// clients/bybit.mjs – the simulated exchange as the venue's own npm client has it: RestClientV5 and WebsocketClient. Run by exchange.py.
import { setTimeout as sleep } from 'node:timers/promises';
import { RestClientV5, WebsocketClient } from 'bybit-api';
import { context, run, test, within } from './tap.mjs';

const http = `http://127.0.0.1:${context.port}`, ws = `ws://127.0.0.1:${context.port}`;
const rest = new RestClientV5({ key: context.key, secret: context.secret, baseUrl: http, parseAPIRateLimits: true });
const linear = { category: 'linear', symbol: 'BTCUSDT' };
let last;

const ok = async (promise) => {
  const answer = await promise;
  if (answer.retCode !== 0) throw new Error(`${answer.retCode} ${answer.retMsg}`);
  return answer.result;
};

test('public data', async (assert) => {
  assert.ok(Math.abs((await rest.fetchServerTime()) - Date.now() / 1000) < 2);
  const { list: [instrument] } = await ok(rest.getInstrumentsInfo(linear));
  assert.equal(instrument.priceFilter.tickSize, '0.1');
  assert.equal((await ok(rest.getKline({ ...linear, interval: '5', limit: 20 }))).list.length, 20);
  last = Number((await ok(rest.getTickers(linear))).list[0].lastPrice);
  assert.equal((await ok(rest.getOrderbook({ ...linear, limit: 10 }))).b.length, 10);
  assert.ok(last > 0);
});

test('key, balance, position, leverage', async (assert) => {
  const info = await ok(rest.getQueryApiKey());
  assert.deepEqual(info.permissions.ContractTrade, ['Order', 'Position']);
  assert.ok(!info.permissions.Wallet.includes('Withdraw'));
  assert.equal((await ok(rest.getWalletBalance({ accountType: 'UNIFIED' }))).list[0].coin[0].walletBalance, '100000');
  assert.equal((await ok(rest.getPositionInfo(linear))).list[0].size, '0');
  await ok(rest.setLeverage({ ...linear, buyLeverage: '3', sellLeverage: '3' }));
  assert.equal((await rest.setLeverage({ ...linear, buyLeverage: '3', sellLeverage: '3' })).retCode, 110043);
});

test('orders: placed, doubled, amended, filled in part, cancelled; told by the stream', async (assert) => {
  const client = new WebsocketClient({ key: context.key, secret: context.secret, wsUrl: `${ws}/v5/private`, market: 'v5' }, { trace() {}, info() {}, error() {} });
  const events = [];
  client.on('update', (event) => events.push(...event.data.map((row) => ({ topic: event.topic, ...row }))));
  client.on('exception', () => {});
  const subscribed = new Promise((resolve) => client.on('response', (answer) => answer.op === 'subscribe' && resolve(answer)));
  client.subscribeV5(['order', 'execution', 'wallet', 'position'], 'linear');
  assert.ok((await within(8000, 'subscription', subscribed)).success);
  const heard = (fits) => within(5000, 'event', (async () => { while (!events.some(fits)) await sleep(20); return events.find(fits); })());

  const order = { ...linear, side: 'Sell', orderType: 'Limit', qty: '0.1', price: String(Math.round(last * 1.05)), orderLinkId: 'official-1' };
  const { orderId } = await ok(rest.submitOrder(order));
  assert.equal((await rest.submitOrder(order)).retCode, 110072);
  await heard((e) => e.topic === 'order' && e.orderId === orderId && e.orderStatus === 'New');
  await ok(rest.amendOrder({ ...linear, orderId, qty: '0.2' }));
  assert.equal((await ok(rest.getActiveOrders({ ...linear, orderLinkId: 'official-1' }))).list[0].qty, '0.2');
  // The market comes.
  await fetch(`${http}/admin/price`, { method: 'POST', body: JSON.stringify({ symbol: 'BTCUSDT', price: String(Math.round(last * 1.05) + 40) }) });
  const fill = await heard((e) => e.topic === 'execution' && e.orderLinkId === 'official-1');
  assert.ok(fill.isMaker && fill.execPrice === order.price);
  await heard((e) => e.topic === 'order' && e.orderId === orderId && e.orderStatus === 'Filled');
  await heard((e) => e.topic === 'wallet' && e.coin?.[0].walletBalance !== '100000');
  const position = await heard((e) => e.topic === 'position' && e.size === '0.2');
  assert.equal(position.side, 'Sell');
  const executions = (await ok(rest.getExecutionList(linear))).list;
  assert.equal(executions.reduce((sum, e) => sum + Math.round(e.execQty * 1000), 0), 200);
  assert.equal((await rest.cancelOrder({ ...linear, orderId })).retCode, 110008);
  assert.equal((await rest.cancelOrder({ ...linear, orderId: 'none' })).retCode, 110001);
  assert.equal((await ok(rest.getHistoricOrders(linear))).list[0].orderStatus, 'Filled');
  client.closeAll(true);
});

test('stops of the position, then it is closed with a profit or a loss on record', async (assert) => {
  await ok(rest.setTradingStop({ ...linear, takeProfit: String(Math.round(last * 0.5)), stopLoss: String(Math.round(last * 2)), positionIdx: 0, tpslMode: 'Full' }));
  const stops = (await ok(rest.getActiveOrders({ ...linear, orderFilter: 'StopOrder' }))).list;
  assert.deepEqual(stops.map((o) => o.stopOrderType).sort(), ['StopLoss', 'TakeProfit']);
  await ok(rest.submitOrder({ ...linear, side: 'Buy', orderType: 'Market', qty: '0.2', reduceOnly: true }));
  assert.equal((await ok(rest.getPositionInfo(linear))).list[0].size, '0');
  assert.deepEqual((await ok(rest.getActiveOrders({ ...linear, orderFilter: 'StopOrder' }))).list, []);
  assert.ok((await ok(rest.getClosedPnL(linear))).list.length > 0);
});

test('public streams by the same client', async (assert) => {
  const client = new WebsocketClient({ wsUrl: `${ws}/v5/public/linear`, market: 'v5' }, { trace() {}, info() {}, error() {} });
  const topics = new Set();
  client.on('update', (event) => topics.add(event.topic));
  client.on('exception', () => {});
  client.subscribeV5(['orderbook.50.BTCUSDT', 'tickers.BTCUSDT', 'kline.1.BTCUSDT', 'publicTrade.BTCUSDT'], 'linear');
  await within(8000, 'topics', (async () => { while (topics.size < 4) await sleep(20); })());
  assert.equal(topics.size, 4);
  client.closeAll(true);
});

await run();
