// A terminal of MetaTrader with our expert, as much of it as the console needs: it signs, greets, reports and does what it is told. The whole
// of it, with a broker: tests/service/terminal.py.
import { createHmac } from "node:crypto";

export class Terminal {
  /** keys: {path, secret}. */
  constructor(url, keys) {
    Object.assign(this, { url, ...keys, number: 0, turn: 0, since: 0, positions: [], orders: [], deals: [], results: [], told: "absent", ask: [], got: [] });
  }

  async request(what, tree) {
    const path = `${this.path}/${what}`, body = JSON.stringify(tree), number = ++this.number;
    const sign = (word, text) => createHmac("sha256", this.secret).update(`${word}\n${path}\n${number}\n${text}`).digest("hex");
    const answer = await fetch(this.url + path, { method: "POST", body, headers: { "Content-Type": "application/json", "X-Perigee-Sequence": String(number), "X-Perigee-Signature": sign("POST", body) } });
    const text = await answer.text();
    if (answer.status !== 200) throw Object.assign(new Error(`${what}: ${answer.status} ${text}`), { status: answer.status });
    if (answer.headers.get("x-perigee-signature") !== sign("ANSWER", text)) throw new Error("an answer that is not signed");
    return JSON.parse(text);
  }

  heard({ turn, since_ms, ask, commands }) {
    Object.assign(this, { turn, since: since_ms, ask });
    this.got.push(...commands);
    return commands;
  }

  async hello() {
    const symbols = [{ symbol: "BTCUSDT", base: "BTC", profit: "USD", tick: "0.01", contract: "1", volume_min: "0.001", volume_max: "1000", volume_step: "0.001", trading: true }];
    return this.heard(await this.request("hello", { protocol: 1, platform: "mt5", version: "1.0 (test)", login: "70012345", server: "Broker-Demo", currency: "USD", hedging: true, real: false, symbols }));
  }

  /** One round. Returns the commands that came. */
  async poll() {
    const results = this.results.splice(0);
    return this.heard(await this.request("poll", { turn: this.turn, since_ms: this.since, more: false, account: { balance: "50000", equity: "50012.5", margin: "240", free: "49772.5", trading: true }, orders: this.orders, positions: this.positions,
      deals: this.deals, results, told: this.ask.map((client) => ({ client, state: this.told })), ticks: [{ symbol: "BTCUSDT", bid: "60000", ask: "60000.5", time_ms: Date.now() }] }));
  }

  /** Again and again, until it is told to stop. */
  start() {
    this.runs = true;
    this.round = (async () => {
      while (this.runs) {
        await this.poll();
        await new Promise((done) => setTimeout(done, 150));
      }
    })().catch((e) => (this.ended = e));
  }
  async stop() {
    this.runs = false;
    await this.round;
  }

  /** A market order that the broker has executed. */
  executed(c, price) {
    const ticket = String(7000 + this.deals.length), now = Date.now();
    this.orders.push({ ticket, client: c.client, symbol: c.symbol, state: "filled", side: c.side, volume: c.volume, filled: c.volume, time_ms: now });
    this.deals.push({ ticket: `9${ticket}`, order: ticket, client: c.client, symbol: c.symbol, side: c.side, volume: c.volume, price, fee: "0.12", time_ms: now });
    this.positions.push({ ticket, symbol: c.symbol, side: c.side, volume: c.volume, price, profit: "12.5" });
    return ticket;
  }
}
