// The report's page script. All data comes from the JSON element; every text goes in through textContent, never as markup.
'use strict';
(() => {
  const D = JSON.parse(document.getElementById('data').textContent);
  const S = D.stats;
  const $ = id => document.getElementById(id);

  // ---- small helpers

  function el(tag, attrs, ...children) {
    const e = document.createElement(tag);
    for (const [k, v] of Object.entries(attrs || {})) {
      if (v === null || v === undefined || v === false) continue;
      if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
      else e.setAttribute(k, v === true ? '' : v);
    }
    for (const c of children.flat()) if (c !== null && c !== undefined) e.append(c);
    return e;
  }
  function svg(tag, attrs, ...children) {
    const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [k, v] of Object.entries(attrs || {})) e.setAttribute(k, v);
    for (const c of children.flat()) e.append(c);
    return e;
  }
  const num = v => v === null || v === undefined || v === '' ? null : Number(v);
  const sign = v => v > 0 ? 'up' : v < 0 ? 'down' : '';
  const DASH = '–', MINUS = '\u2212';
  const minus = text => text.replace('-', MINUS);
  function fixed(v, digits) {
    if (Math.abs(v) < 0.5 * Math.pow(10, -digits)) v = 0;
    return minus(v.toLocaleString('en-US', {minimumFractionDigits: digits, maximumFractionDigits: digits}));
  }
  function money(v) {
    if (v === null) return DASH;
    const a = Math.abs(v);
    return fixed(v, a !== 0 && a < 1 ? 4 : a >= 1e7 ? 0 : 2);
  }
  const signed = (v, f) => v === null ? DASH : (v > 0 ? '+' : '') + f(v);
  function pct(v) {
    if (v === null) return DASH;
    const a = Math.abs(v);
    return fixed(v, a >= 1000 ? 0 : a >= 100 ? 1 : 2) + ' %';
  }
  const ratio = v => v === null ? DASH : fixed(v, Math.abs(v) >= 100 ? 1 : 2);
  function span(ms) {
    if (ms === null) return DASH;
    const m = ms / 60000, h = m / 60, d = h / 24;
    if (d >= 730) return fixed(d / 365.25, 1) + ' years';
    if (d >= 2) return fixed(d, d < 10 ? 1 : 0) + ' days';
    if (h >= 2) return fixed(h, 1) + ' hours';
    return m >= 1 ? fixed(m, 0) + ' min' : ms > 0 ? fixed(ms / 1000, 0) + ' s' : 'none';
  }
  const format = {money: v => money(v), pct, ratio, count: v => v === null ? DASH : fixed(v, 0), span};
  const pad = n => String(n).padStart(2, '0');
  const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  function date(s) {
    const t = new Date(s * 1000);
    return `${t.getUTCFullYear()}-${pad(t.getUTCMonth() + 1)}-${pad(t.getUTCDate())}`;
  }
  function time(s) {
    if (D.bar_seconds >= 86400) return date(s);
    const t = new Date(s * 1000), sec = t.getUTCSeconds();
    return `${date(s)} ${pad(t.getUTCHours())}:${pad(t.getUTCMinutes())}${sec ? ':' + pad(sec) : ''}`;
  }
  const count = (n, word) => `${n.toLocaleString('en-US')} ${word}${n === 1 ? '' : 's'}`;
  const stat = key => num(S[key]);

  // ---- formulas in a tip, by mouse, keyboard or touch

  const tip = $('tip');
  function tipShow(target, text) {
    tip.textContent = text;
    tip.hidden = false;
    const r = target.getBoundingClientRect(), w = tip.offsetWidth, h = tip.offsetHeight;
    const x = Math.min(Math.max(12, r.left), document.documentElement.clientWidth - w - 12);
    const y = r.bottom + 8 + h > window.innerHeight ? r.top - h - 8 : r.bottom + 8;
    tip.style.left = `${x + window.scrollX}px`;
    tip.style.top = `${y + window.scrollY}px`;
    target.setAttribute('aria-describedby', 'tip');
  }
  const tipHide = () => { tip.hidden = true; };
  function withTip(e, text) {
    e.classList.add('has-tip');
    e.tabIndex = 0;
    e.addEventListener('mouseenter', () => tipShow(e, text));
    e.addEventListener('focus', () => tipShow(e, text));
    e.addEventListener('click', () => tipShow(e, text));
    e.addEventListener('mouseleave', tipHide);
    e.addEventListener('blur', tipHide);
    return e;
  }
  document.addEventListener('keydown', e => { if (e.key === 'Escape') tipHide(); });
  const formulas = Object.fromEntries(D.stat_list.map(s => [s[0], s[2]]));

  // ---- trades as objects

  const T = D.trades.map((t, i) => ({
    n: D.trade_first + i, symbol: D.symbols[t[0]] || '?', main: t[0] === D.main_symbol, dir: t[1], qty: t[2], entry: t[3],
    entryPx: t[4], exit: t[5], exitPx: t[6], pnl: t[7], fees: t[8], tag: t[9], exitTag: t[10], bars: t[11], mae: t[12],
    mfe: t[13], ambiguous: (t[14] & 1) !== 0, liquidated: (t[14] & 2) !== 0,
    move: Number(t[4]) !== 0 ? t[1] * (Number(t[6]) / Number(t[4]) - 1) * 100 : null,
  }));

  // ---- head

  function head() {
    const main = D.data[0], parts = [];
    if (D.symbol) parts.push([D.symbol, D.timeframe].filter(Boolean).join(' '));
    if (D.equity.length) parts.push(`${date(D.equity[0][0])} to ${date(D.equity[D.equity.length - 1][0])}`);
    if (main) parts.push(count(main[3], 'bar'));
    const streams = D.data.length - 1;
    if (streams > 0) parts.push(`${count(streams, 'further stream')}`);
    $('subtitle').textContent = parts.join(' · ');
    const alarms = [];
    if (D.interrupted) alarms.push('The run was stopped early: this shows what was done until then.');
    if (T.some(t => t.liquidated)) alarms.push('The account was liquidated during this run.');
    if (alarms.length) {
      $('banner').hidden = false;
      $('banner').append(...alarms.map(a => el('p', {class: 'notice', role: 'alert'}, a)));
    }
  }

  function tiles() {
    const hold = stat('buy_hold_return_pct'), ret = stat('return_pct'), pf = stat('profit_factor');
    const net = stat('equity_final') - stat('equity_start');
    const list = [
      ['return_pct', 'Return', signed(ret, pct), sign(ret), `${signed(net, money)} to ${money(stat('equity_final'))}`],
      ['cagr_pct', 'CAGR', signed(stat('cagr_pct'), pct), sign(stat('cagr_pct')), hold === null ? '' : `buy and hold ${signed(hold, pct)}`],
      ['max_drawdown_pct', 'Max drawdown', stat('max_drawdown_pct') ? MINUS + pct(stat('max_drawdown_pct')) : pct(0), stat('max_drawdown_pct') ? 'down' : '',
        `for ${span(stat('max_drawdown_ms'))}`],
      ['sharpe', 'Sharpe', ratio(stat('sharpe')), '', `Sortino ${ratio(stat('sortino'))}`],
      ['profit_factor', 'Profit factor', ratio(pf), pf === null ? '' : sign(pf - 1), `${signed(stat('expectancy'), money)} a trade`],
      ['win_rate_pct', 'Win rate', pct(stat('win_rate_pct')), '', `${count(stat('trades'), 'trade')}, exposed ${pct(stat('exposure_pct'))}`],
    ];
    $('tiles').append(...list.map(([key, label, value, cls, sub]) => el('div', {class: 'tile'},
      el('span', {class: 'k'}, withTip(el('span', {}, label), formulas[key])), el('span', {class: `v ${cls}`}, value), el('span', {class: 's'}, sub))));
  }

  // ---- charts

  const LC = window.LightweightCharts;
  // A curve that grows manyfold is read on a log scale.
  const wide = list => { const v = list.filter(x => x !== null); return v.length > 0 && Math.min(...v) > 0 && Math.max(...v) > 5 * Math.min(...v); };
  let charts = [], showHold = true, logScale = wide(D.equity.flatMap(p => [p[1], p[3]])), asLine = D.candles.length > 1500, gotoTrade = () => {};
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const fade = (hex, a) => hex + Math.round(a * 255).toString(16).padStart(2, '0');
  const PLOT_COLOURS = ['#3d7bfd', '#e8912d', '#a355e0', '#12a594', '#d6409f', '#8d8d2b', '#5b6bd5', '#c4553b'];

  // Strictly rising times, as the library demands (bars shorter than a second fall together).
  function rising(points) {
    const out = [];
    for (const p of points) {
      if (out.length && out[out.length - 1].time >= p.time) out[out.length - 1] = Object.assign(p, {time: out[out.length - 1].time});
      else out.push(p);
    }
    return out;
  }

  // Kinds of tick: 0 year, 1 month, 2 day, 3 and 4 time.
  function tick(s, kind) {
    const t = new Date(s * 1000);
    return kind === 0 ? String(t.getUTCFullYear()) : kind === 1 ? MONTHS[t.getUTCMonth()] : kind === 2 || D.bar_seconds * D.candle_bars >= 14400 ? `${t.getUTCDate()} ${MONTHS[t.getUTCMonth()]}` : `${pad(t.getUTCHours())}:${pad(t.getUTCMinutes())}`;
  }

  function chartMake(box) {
    const intraday = D.bar_seconds < 86400;
    const chart = LC.createChart(box, {
      autoSize: true,
      layout: {background: {type: 'solid', color: 'transparent'}, textColor: css('--soft'), fontSize: 12, attributionLogo: false,
        fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif', panes: {separatorColor: css('--line'), separatorHoverColor: css('--hover')}},
      grid: {vertLines: {visible: false}, horzLines: {color: css('--line')}},
      rightPriceScale: {borderVisible: false, minimumWidth: 66},
      timeScale: {borderColor: css('--line'), timeVisible: intraday, secondsVisible: D.bar_seconds < 60, minBarSpacing: 0.01, rightOffset: 2, lockVisibleTimeRangeOnResize: true, tickMarkFormatter: tick},
      crosshair: {mode: 0, vertLine: {color: css('--faint'), labelBackgroundColor: css('--soft')}, horzLine: {color: css('--faint'), labelBackgroundColor: css('--soft')}},
      handleScroll: {mouseWheel: false, vertTouchDrag: false}, handleScale: {mouseWheel: false, pinch: true},
      localization: {locale: 'en-US', timeFormatter: t => time(t)},
    });
    // The wheel belongs to the page; with Ctrl or Shift it zooms and scrolls the chart.
    box.addEventListener('wheel', e => {
      const on = e.ctrlKey || e.shiftKey;
      chart.applyOptions({handleScroll: {mouseWheel: on}, handleScale: {mouseWheel: on}});
    }, {capture: true, passive: true});
    charts.push(chart);
    return chart;
  }

  // All of it, with room on the left and right for half a label of the time axis.
  function fitAll(chart, points) {
    const axis = chart.timeScale(), room = Math.min(0.1, 20 / Math.max(60, axis.width() || 0)) * points;
    axis.setVisibleLogicalRange({from: -room, to: points - 1 + room});
  }

  // Enough decimals for six digits or so of the prices at hand; data may come with more than anyone reads off an axis.
  const axisDecimals = (most, price) => Math.max(0, Math.min(most, price > 0 ? 5 - Math.floor(Math.log10(price)) : most));

  function legend(box, entries) {
    box.replaceChildren(...entries.map(([colour, label, value]) => el('span', {}, colour ? el('i', {style: `background:${colour}`}) : null, `${label} `, el('b', {}, value))));
  }

  function equityChart() {
    if (D.equity.length < 2) {
      $('equity').className = 'note';
      $('equity').textContent = 'Too few bars for a curve.';
      return;
    }
    const chart = chartMake($('equity'));
    const accent = css('--accent'), down = css('--down');
    const scaleMode = logScale && D.equity.every(p => p[1] > 0) ? 1 : 0;
    const priceFormat = {type: 'custom', minMove: 0.01, formatter: v => Math.abs(v) >= 1e6 ? fixed(v / 1e6, 2) + 'M' : fixed(v, Math.abs(v) >= 1000 ? 0 : 2)};
    const hold = chart.addSeries(LC.LineSeries, {color: css('--hold'), lineWidth: 1, priceLineVisible: false, lastValueVisible: false, visible: showHold, priceFormat});
    hold.setData(rising(D.equity.filter(p => p[3] !== null).map(p => ({time: p[0], value: p[3]}))));
    const equity = chart.addSeries(LC.AreaSeries, {lineColor: accent, lineWidth: 2, topColor: fade(accent, 0.22), bottomColor: fade(accent, 0.01), priceLineVisible: false, priceFormat});
    equity.setData(rising(D.equity.map(p => ({time: p[0], value: p[1]}))));
    equity.createPriceLine({price: stat('equity_start'), color: css('--faint'), lineWidth: 1, lineStyle: 2, axisLabelVisible: false});
    const dd = chart.addSeries(LC.AreaSeries, {lineColor: down, lineWidth: 1, topColor: fade(down, 0.05), bottomColor: fade(down, 0.3), invertFilledArea: true, priceLineVisible: false,
      lastValueVisible: false, priceFormat: {type: 'custom', minMove: 0.01, formatter: v => pct(v)}}, 1);
    dd.setData(rising(D.equity.map(p => ({time: p[0], value: -p[2]}))));
    // Last, because panes made later would inherit the mode.
    chart.priceScale('right', 0).applyOptions({mode: scaleMode, scaleMargins: {top: 0.06, bottom: 0.04}});
    chart.panes()[1].setStretchFactor(0.28);
    chart.panes()[0].setStretchFactor(0.72);
    fitAll(chart, D.equity.length);
    const last = D.equity[D.equity.length - 1];
    const show = p => legend($('equity-legend'), [[null, time(p.time), ''], [accent, 'Equity', money(p.e)],
      ...(showHold && p.h !== null && p.h !== undefined ? [[css('--hold'), 'Buy and hold', money(p.h)]] : []), [down, 'Drawdown', pct(p.d)]]);
    const rest = {time: last[0], e: last[1], h: last[3], d: last[2] ? -last[2] : 0};
    show(rest);
    chart.subscribeCrosshairMove(m => {
      const e = m.seriesData.get(equity), h = m.seriesData.get(hold), d = m.seriesData.get(dd);
      show(e ? {time: m.time, e: e.value, h: h ? h.value : null, d: d ? d.value : 0} : rest);
    });
    $('equity-all').onclick = () => fitAll(chart, D.equity.length);
  }

  // Lines from each entry to its exit, at their prices.
  class TradeLines {
    constructor() { this.trades = []; }
    attached({chart, series, requestUpdate}) { Object.assign(this, {chart, series, update: requestUpdate}); }
    detached() { this.chart = null; }
    updateAllViews() {}
    paneViews() {
      return [{zOrder: () => 'top', renderer: () => ({draw: target => target.useBitmapCoordinateSpace(scope => this.draw(scope))})}];
    }
    draw({context: c, horizontalPixelRatio: hr, verticalPixelRatio: vr}) {
      if (!this.chart) return;
      const up = css('--up'), down = css('--down'), axis = this.chart.timeScale();
      for (const t of this.trades) {
        const x0 = axis.logicalToCoordinate(t.i0), x1 = axis.logicalToCoordinate(t.i1);
        const y0 = this.series.priceToCoordinate(Number(t.entryPx)), y1 = this.series.priceToCoordinate(Number(t.exitPx));
        if (x0 === null || x1 === null || y0 === null || y1 === null) continue;
        c.strokeStyle = c.fillStyle = t.pnl >= 0 ? up : down;
        c.lineWidth = Math.max(1, Math.floor(1.5 * hr));
        c.setLineDash([4 * hr, 3 * hr]);
        c.beginPath();
        c.moveTo(x0 * hr, y0 * vr);
        c.lineTo(x1 * hr, y1 * vr);
        c.stroke();
      }
      c.setLineDash([]);
    }
  }

  // Index of the candle in which second s falls.
  function candleAt(s) {
    let a = 0, b = D.candles.length - 1;
    while (a < b) {
      const m = (a + b + 1) >> 1;
      if (D.candles[m][0] <= s) a = m; else b = m - 1;
    }
    return a;
  }

  function plotPanes() {
    const onPrice = [], own = [];
    for (const p of D.plots) {
      const near = p.points.filter(([i, v]) => v > D.candles[i][3] * 0.75 && v < D.candles[i][2] * 1.33).length;
      if (p.points.length && near >= 0.9 * p.points.length) onPrice.push(p);
      else if (p.points.length) own.push(p);
    }
    // "macd.signal" and "macd.hist" share a pane; more than four panes share the last.
    const groups = new Map();
    for (const p of own) {
      let key = p.name.split(/[.\/:]/)[0];
      if (!groups.has(key) && groups.size >= 4) key = [...groups.keys()][3];
      groups.set(key, [...(groups.get(key) || []), p]);
    }
    return {onPrice, own: [...groups.values()]};
  }

  function priceChart() {
    if (D.candles.length < 2) { $('price-card').hidden = true; return; }
    const panes = plotPanes();
    $('price').style.height = panes.own.length ? `${(window.innerWidth < 760 ? 340 : 440) + 120 * panes.own.length}px` : '';
    const chart = chartMake($('price'));
    const up = css('--up'), down = css('--down');
    const decimals = Math.min(8, D.candles.slice(-300).reduce((m, c) => Math.max(m, (String(c[4]).split('.')[1] || '').length), 0));
    const shown = axisDecimals(decimals, D.candles.reduce((m, c) => Math.max(m, c[2]), 0));
    const priceFormat = {type: 'price', precision: shown, minMove: Math.pow(10, -shown)};
    const data = D.candles.map(c => asLine ? {time: c[0], value: c[4]} : {time: c[0], open: c[1], high: c[2], low: c[3], close: c[4]});
    const series = asLine
      ? chart.addSeries(LC.LineSeries, {color: css('--hold'), lineWidth: 1, priceLineVisible: false, priceFormat})
      : chart.addSeries(LC.CandlestickSeries, {upColor: fade(up, 0.55), downColor: fade(down, 0.55), wickUpColor: fade(up, 0.6), wickDownColor: fade(down, 0.6), borderVisible: false, priceLineVisible: false, priceFormat});
    series.setData(rising(data));
    const plots = [];
    const addPlot = (p, pane, colour) => {
      const s = chart.addSeries(LC.LineSeries, {color: colour, lineWidth: pane ? 1.5 : 2, priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false,
        ...(pane ? {} : {priceFormat})}, pane);
      s.setData(rising(p.points.map(([i, v]) => ({time: D.candles[i][0], value: v}))));
      plots.push([s, p, colour]);
    };
    let colour = 0;
    for (const p of panes.onPrice) addPlot(p, 0, PLOT_COLOURS[colour++ % PLOT_COLOURS.length]);
    panes.own.forEach((group, k) => group.forEach(p => addPlot(p, k + 1, PLOT_COLOURS[colour++ % PLOT_COLOURS.length])));
    chart.priceScale('right', 0).applyOptions({mode: wide(D.candles.map(c => c[3])) ? 1 : 0, scaleMargins: {top: 0.08, bottom: 0.08}});  // after all panes, as above
    chart.panes().forEach((p, k) => p.setStretchFactor(k === 0 ? 4 : 1));

    const own = T.filter(t => t.main);
    for (const t of own) { t.i0 = candleAt(t.entry); t.i1 = candleAt(t.exit); }
    const markers = LC.createSeriesMarkers(series, [], {autoScale: false});
    const lines = new TradeLines();
    series.attachPrimitive(lines);
    const LIMIT = 150;
    let pending = 0;
    function showTrades() {
      pending = 0;
      const range = chart.timeScale().getVisibleLogicalRange();
      if (!range) return;
      const seen = own.filter(t => t.i1 >= range.from && t.i0 <= range.to);
      const step = Math.max(1, Math.ceil(seen.length / LIMIT)), shown = seen.filter((_, k) => k % step === 0);
      const labels = shown.length <= 25 && range.to - range.from < 400, size = shown.length > 60 ? 0.35 : shown.length > 25 ? 0.7 : 1;
      const list = [];
      for (const t of shown) {
        const long = t.dir > 0;
        list.push({time: D.candles[t.i0][0], position: long ? 'belowBar' : 'aboveBar', shape: long ? 'arrowUp' : 'arrowDown', color: long ? up : down, size, text: labels && t.tag ? t.tag : undefined});
        list.push({time: D.candles[t.i1][0], position: long ? 'aboveBar' : 'belowBar', shape: 'circle', color: t.pnl >= 0 ? up : down, size: size * 0.7, text: labels ? signed(t.pnl, money) : undefined});
      }
      list.sort((a, b) => a.time - b.time);
      markers.setMarkers(list);
      lines.trades = shown;
      if (lines.update) lines.update();
      $('price-note').textContent = [
        D.candle_bars > 1 ? `Each ${asLine ? 'point' : 'candle'} joins ${D.candle_bars} bars.` : '',
        step > 1 ? `${shown.length} of ${seen.length} trades in view are drawn; zoom in to see each.` : '',
        own.length < T.length ? `Trades in ${D.symbol} are drawn; other symbols' are in the table.` : '',
        'Arrow: entry. Dot: exit, coloured by its result. Drag to move, Ctrl + wheel or pinch to zoom.'].filter(Boolean).join(' ');
    }
    chart.timeScale().subscribeVisibleLogicalRangeChange(() => { if (!pending) pending = requestAnimationFrame(showTrades); });
    fitAll(chart, D.candles.length);
    requestAnimationFrame(showTrades);

    const show = (t, c, get) => legend($('price-legend'), [[null, time(t), ''], [null, D.symbol, c ? fixed(c, decimals) : DASH],
      ...plots.map(([s, p, col]) => [col, p.name, get(s, p)]).slice(0, 8)]);
    const plotText = v => v === undefined || v === null ? DASH : fixed(v, Math.abs(v) >= 1000 ? 2 : 4);
    const last = D.candles[D.candles.length - 1];
    const rest = () => show(last[0], last[4], (s, p) => plotText(p.points[p.points.length - 1][1]));
    rest();
    chart.subscribeCrosshairMove(m => {
      const c = m.seriesData.get(series);
      if (!c) rest();
      else show(m.time, c.close !== undefined ? c.close : c.value, s => plotText((m.seriesData.get(s) || {}).value));
    });
    $('price-all').onclick = () => fitAll(chart, D.candles.length);
    gotoTrade = t => {
      if (!t.main) return;
      const margin = Math.max(20, (t.i1 - t.i0) * 1.5);
      chart.timeScale().setVisibleLogicalRange({from: t.i0 - margin, to: t.i1 + margin});
      $('price-card').scrollIntoView({behavior: 'smooth', block: 'start'});
    };
  }

  function drawCharts() {
    for (const c of charts) c.remove();
    charts = [];
    equityChart();
    priceChart();
    $('hold').setAttribute('aria-pressed', showHold);
    $('log').setAttribute('aria-pressed', logScale);
    $('kind').setAttribute('aria-pressed', asLine);
  }

  // ---- panels

  function paths() {
    const box = $('paths'), names = Object.keys(D.paths), used = D.config.path || 'nearer';
    const words = {nearer: 'nearer extreme first', adverse: 'worse extreme first', favourable: 'better extreme first'};
    const text = 'A bar tells its high and its low, not which came first. So the same run is repeated with other guesses; the spread is what the data cannot tell.';
    if (names.length < 2) {
      box.append(el('p', {class: 'soft'}, `${text} Only the path “${used}” was run here.`));
      return;
    }
    const finals = names.map(n => num(D.paths[n].return_pct)).filter(v => v !== null);
    const spread = Math.max(...finals) - Math.min(...finals), same = names.every(n => D.paths[n].equity_final === D.paths[names[0]].equity_final);
    const ambiguous = stat('ambiguous_pct');
    box.append(el('p', {class: 'soft'}, text, ' ', el('b', {class: same ? 'up' : ''}, same
      ? 'Here all agree: this result does not rest on a guess.' : `Here the return differs by ${fixed(spread, 2)} percentage points.`),
      ambiguous ? ` In ${pct(ambiguous)} of trades one bar held both stop and target.` : ''));
    box.append(el('div', {class: 'paths'}, names.map(n => {
      const s = D.paths[n], r = num(s.return_pct);
      const line = (k, v) => el('div', {class: 'row'}, el('span', {class: 'k'}, k), el('span', {class: 'v'}, v));
      return el('div', {class: n === used ? 'path main' : 'path'}, el('h3', {}, n + (n === used ? ' · this report' : '')),
        el('div', {class: `big ${sign(r)}`}, signed(r, pct)), el('p', {class: 'faint'}, words[n] || ''),
        line('Final equity', money(num(s.equity_final))), line('Max drawdown', pct(num(s.max_drawdown_pct))), line('Sharpe', ratio(num(s.sharpe))),
        line('Trades', format.count(num(s.trades))), line('Win rate', pct(num(s.win_rate_pct))));
    })));
  }

  function stats() {
    const toned = new Set(['return_pct', 'cagr_pct', 'buy_hold_return_pct', 'expectancy', 'alpha_pct', 'best_trade', 'worst_trade', 'avg_win', 'avg_loss', 'funding', 'swap']);
    D.stat_groups.forEach((name, g) => $('stats').append(el('div', {class: 'card'}, el('h3', {}, name),
      D.stat_list.filter(s => s[4] === g).map(([key, label, formula, kind]) => el('div', {class: 'row'},
        withTip(el('span', {class: 'k'}, label), formula),
        el('span', {class: `v ${toned.has(key) ? sign(stat(key)) : ''}`}, format[kind](stat(key))))))));
  }

  function months() {
    if (!D.months.length) { $('months').append(el('p', {class: 'soft'}, 'No data.')); return; }
    const years = new Map();
    for (const [y, m, v] of D.months) {
      if (!years.has(y)) years.set(y, Array(12).fill(null));
      years.get(y)[m - 1] = v;
    }
    const top = Math.max(1, ...D.months.map(m => Math.abs(m[2] || 0)).sort((a, b) => a - b).slice(0, Math.max(1, Math.floor(D.months.length * 0.95))));
    const cell = (v, cls, what) => {
      const share = v === null ? 0 : Math.min(1, Math.abs(v) / top) * 58 + (v ? 6 : 0);
      return el('td', {class: cls, title: v === null ? null : `${what}: ${signed(v, pct)}`, style: v === null ? null :
        `background:color-mix(in srgb, var(--${v >= 0 ? 'up' : 'down'}) ${share.toFixed(0)}%, transparent)`}, v === null ? '' : fixed(v, Math.abs(v) >= 100 ? 0 : 1));
    };
    $('months').append(el('table', {class: 'heat'},
      el('thead', {}, el('tr', {}, el('th', {class: 'l'}, el('span', {class: 'sr'}, 'Year')), MONTHS.map(m => el('th', {scope: 'col'}, m)), el('th', {scope: 'col'}, 'Year'))),
      el('tbody', {}, [...years].reverse().map(([y, list]) => {
        const year = 100 * (list.reduce((p, v) => p * (1 + (v || 0) / 100), 1) - 1);
        return el('tr', {}, el('th', {class: 'l', scope: 'row'}, String(y)), list.map((v, m) => cell(v, '', `${MONTHS[m]} ${y}`)), cell(year, 'year', String(y)));
      }))));
    $('months').append(el('p', {class: 'note'}, 'Percent, from the last equity of the month before. Months are UTC; the first and last may be partial.'));
  }

  function costs() {
    const net = stat('equity_final') - stat('equity_start');
    const items = [['Fees', -stat('fees'), 'fees'], ['Spread and slippage', -stat('slippage'), 'slippage'], ['Funding', stat('funding'), 'funding'], ['Swap', stat('swap'), 'swap']];
    const gross = net - items.reduce((s, i) => s + i[1], 0);
    let at = gross, low = Math.min(0, gross), high = Math.max(0, gross);
    for (const i of items) { at += i[1]; low = Math.min(low, at); high = Math.max(high, at); }
    const range = high - low || 1, box = el('div', {class: 'waterfall'});
    const line = (label, key, from, to, v, total) => box.append(
      el('span', {class: total ? 'total' : 'soft'}, key ? withTip(el('span', {}, label), formulas[key]) : label),
      el('span', {class: 'bar', 'aria-hidden': 'true'}, v === 0 ? null : el('i', {style: `left:${(Math.min(from, to) - low) / range * 100}%;width:${Math.abs(to - from) / range * 100}%;background:var(--${v >= 0 ? 'up' : 'down'})`})),
      el('span', {class: `v ${total ? sign(v) : ''}`}, v ? signed(v, money) : money(0)));
    line('Gross', null, 0, gross, gross, true);
    at = gross;
    for (const [label, v, key] of items) { line(label, key, at, at + v, v, false); at += v; }
    line('Net', null, 0, net, net, true);
    const paid = gross - net;
    $('costs').append(box, el('p', {class: 'note'}, gross > 0 && paid > 0 ? `Costs took ${pct(100 * paid / gross)} of the gross profit.` : 'Open positions are included at their last mark.'));
  }

  function nice(v) {
    const p = Math.pow(10, Math.floor(Math.log10(v)));
    return [1, 2, 2.5, 5, 10].find(m => m * p >= v) * p;
  }
  const short = v => Math.abs(v) >= 1e6 ? `${minus(String(+(v / 1e6).toPrecision(3)))}M` : Math.abs(v) >= 1e4 ? `${minus(String(+(v / 1e3).toPrecision(3)))}k` : minus(String(+v.toPrecision(3)));

  function histogram() {
    const box = $('hist'), values = T.map(t => t.pnl);
    if (values.length < 2) { box.append(el('p', {class: 'soft'}, 'Too few trades for a distribution.')); return; }
    // The outermost 1 % on each side goes into the edge bins, so that one giant does not flatten the rest.
    const sorted = [...values].sort((a, b) => a - b), q = f => sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(f * (sorted.length - 1))))];
    const cut = values.length >= 200 ? 0.01 : 0, low = Math.min(q(cut), 0), high = Math.max(q(1 - cut), 0);
    const width = nice((high - low || 1) / Math.min(28, Math.max(8, Math.ceil(Math.sqrt(values.length) * 1.6))));
    const first = Math.floor(low / width), bins = Array(Math.max(1, Math.ceil(high / width + 1e-9) - first)).fill(0);
    for (const v of values) bins[Math.min(bins.length - 1, Math.max(0, Math.floor(v / width) - first))]++;
    const W = 560, H = 250, B = 26, top = Math.max(...bins), w = W / bins.length;
    const g = svg('svg', {class: 'plot', viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': 'Histogram of trade results'});
    bins.forEach((n, i) => {
      const h = n / top * (H - B - 16), from = (first + i) * width;
      const bar = svg('rect', {x: i * w + 1, y: H - B - h, width: Math.max(1, w - 2), height: h, rx: Math.min(3, w / 4), fill: `var(--${from >= 0 ? 'up' : 'down'})`, 'fill-opacity': 0.8});
      const name = svg('title');
      name.textContent = `${short(from)} to ${short(from + width)}: ${count(n, 'trade')}`;
      bar.append(name);
      g.append(bar);
    });
    g.append(svg('line', {class: 'axis', x1: 0, x2: W, y1: H - B, y2: H - B}));
    const mean = stat('expectancy'), x = v => (v / width - first) * w;
    if (mean !== null) g.append(svg('line', {x1: x(mean), x2: x(mean), y1: 14, y2: H - B, stroke: 'var(--ink)', 'stroke-dasharray': '3 3'}), label(x(mean), 9, `mean ${short(mean)}`, x(mean) > W * 0.8 ? 'end' : x(mean) < W * 0.2 ? 'start' : 'middle'));
    const every = Math.ceil(bins.length / 7);
    for (let i = ((-first % every) + every) % every; i <= bins.length; i += every)
      g.append(label(Math.min(W, i * w), H - 8, short((first + i) * width), i === 0 ? 'start' : i === bins.length ? 'end' : 'middle'));
    box.append(g);
  }
  function label(x, y, text, anchor) {
    const t = svg('text', {x, y, 'text-anchor': anchor});
    t.textContent = text;
    return t;
  }

  function scatter(key, title, caption) {
    const step = Math.ceil(T.length / 1500), list = T.filter((_, i) => i % step === 0);
    const W = 560, H = 300, L = 54, B = 30, xs = list.map(t => Math.abs(t[key])), ys = list.map(t => t.pnl);
    const cutoff = a => [...a].sort((p, q) => p - q);
    const xTop = nice(cutoff(xs)[Math.floor((xs.length - 1) * (xs.length > 100 ? 0.995 : 1))] || 1);
    const sortedY = cutoff(ys), yLow = Math.min(0, sortedY[0]), yTop = Math.max(0, sortedY[sortedY.length - 1]), yRange = yTop - yLow || 1;
    const X = v => L + Math.min(1, v / xTop) * (W - L - 8), Y = v => 10 + (yTop - v) / yRange * (H - B - 16);
    const g = svg('svg', {class: 'plot', viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': title});
    const stepY = nice(yRange / 5);
    for (let v = Math.ceil(yLow / stepY) * stepY; v <= yTop + 1e-9; v += stepY)
      g.append(svg('line', {class: Math.abs(v) < stepY / 2 ? 'zero' : 'axis', x1: L, x2: W, y1: Y(v), y2: Y(v)}), label(L - 8, Y(v) + 4, short(Math.abs(v) < stepY / 2 ? 0 : v), 'end'));
    for (let i = 0; i <= 4; i++) g.append(label(X(xTop * i / 4), H - 8, short(xTop * i / 4), i === 4 ? 'end' : 'middle'));
    list.forEach((t, i) => {
      const dot = svg('circle', {cx: X(xs[i]), cy: Y(t.pnl), r: list.length > 400 ? 2.5 : 4, fill: `var(--${t.pnl >= 0 ? 'up' : 'down'})`, 'fill-opacity': 0.55});
      const name = svg('title');
      name.textContent = `#${t.n} ${time(t.entry)}: result ${money(t.pnl)}, ${title} ${money(t[key])}`;
      dot.append(name);
      g.append(dot);
    });
    return el('figure', {}, g, el('figcaption', {}, caption));
  }
  function excursion() {
    if (T.length < 2) { $('excursion').append(el('p', {class: 'soft'}, 'Too few trades.')); return; }
    $('excursion').append(scatter('mae', 'MAE', 'Across: worst unrealised loss on the way (MAE). Up: the trade’s result. Winners far to the right survived by luck; a stop belongs where only losers are.'),
      scatter('mfe', 'MFE', 'Across: best unrealised profit on the way (MFE). Up: the trade’s result. Losers far to the right gave back a profit.'));
  }

  // ---- trade table

  function trades() {
    const box = $('trades'), PAGE = 50;
    if (!T.length) {
      box.append(el('p', {class: 'soft'}, 'No closed trade.'));
      $('filter').parentElement.hidden = true;
      return;
    }
    const several = new Set(T.map(t => t.symbol)).size > 1;
    const columns = [['#', t => t.n, t => String(t.n)], ...(several ? [['Symbol', t => t.symbol, t => t.symbol, 'l']] : []),
      ['Side', t => t.dir, t => [el('span', {class: `badge ${t.dir > 0 ? 'long' : 'short'}`}, t.dir > 0 ? 'long' : 'short'),
        t.ambiguous ? el('span', {class: 'badge flag', title: 'One bar held both stop and target'}, '?') : null,
        t.liquidated ? el('span', {class: 'badge flag'}, 'liquidated') : null], 'l'],
      ['Result', t => t.pnl, t => el('b', {class: sign(t.pnl)}, signed(t.pnl, money))], ['Move', t => t.move, t => signed(t.move, pct)],
      ['Quantity', t => Number(t.qty), t => t.qty], ['Entry', t => t.entry, t => time(t.entry)], ['at', t => Number(t.entryPx), t => t.entryPx],
      ['Exit', t => t.exit, t => time(t.exit)], ['at', t => Number(t.exitPx), t => t.exitPx], ['Bars', t => t.bars, t => String(t.bars)],
      ['Fees', t => t.fees, t => money(t.fees)],
      ['MAE', t => t.mae, t => money(t.mae)], ['MFE', t => t.mfe, t => money(t.mfe)],
      ['Tags', t => t.tag + t.exitTag, t => [t.tag, t.exitTag].filter(Boolean).join(' → '), 'l tagcell']];
    let by = 0, dir = 1, page = 0, rows = T;
    const body = el('tbody'), pager = el('div', {class: 'pager'});
    const heads = columns.map(([name, , , cls], i) => el('th', {scope: 'col', class: cls}, el('button', {type: 'button', onclick: () => {
      dir = by === i ? -dir : (i === 0 ? 1 : -1);
      by = i;
      page = 0;
      draw();
    }}, name)));
    function words(t) {
      return [t.symbol, t.dir > 0 ? 'long' : 'short', t.pnl > 0 ? 'win' : t.pnl < 0 ? 'loss' : 'even', t.tag, t.exitTag, time(t.entry), time(t.exit),
        t.ambiguous ? 'ambiguous' : '', t.liquidated ? 'liquidated' : ''].join(' ').toLowerCase();
    }
    function draw() {
      const terms = $('filter').value.toLowerCase().split(/\s+/).filter(Boolean), key = columns[by][1];
      rows = T.filter(t => !terms.length || terms.every(w => words(t).includes(w)));
      rows = [...rows].sort((a, b) => { const x = key(a), y = key(b); return dir * (x < y ? -1 : x > y ? 1 : a.n - b.n); });
      const pages = Math.max(1, Math.ceil(rows.length / PAGE));
      page = Math.min(page, pages - 1);
      heads.forEach((h, i) => i === by ? h.setAttribute('aria-sort', dir > 0 ? 'ascending' : 'descending') : h.removeAttribute('aria-sort'));
      body.replaceChildren(...rows.slice(page * PAGE, page * PAGE + PAGE).map(t => el('tr', {class: t.main ? 'go' : '', title: t.main ? 'Show on the price chart' : null,
        onclick: () => gotoTrade(t)}, columns.map(([, , show, cls]) => el('td', {class: cls, title: cls && cls.includes('tagcell') ? [t.tag, t.exitTag].filter(Boolean).join(' → ') || null : null}, show(t))))));
      const sum = rows.reduce((s, t) => s + t.pnl, 0);
      pager.replaceChildren(el('span', {style: 'margin-right:auto'}, `${count(rows.length, 'trade')}, result ${signed(sum, money)}`
        + (D.trade_total > T.length ? ` (the newest ${T.length.toLocaleString('en-US')} of ${D.trade_total.toLocaleString('en-US')}; the CSV file has all)` : '')));
      if (pages > 1) pager.append(
        el('button', {type: 'button', disabled: page === 0, onclick: () => { page--; draw(); }}, 'Previous'), `${page + 1} of ${pages}`,
        el('button', {type: 'button', disabled: page === pages - 1, onclick: () => { page++; draw(); }}, 'Next'));
    }
    box.append(el('div', {class: 'scroll'}, el('table', {}, el('thead', {}, el('tr', {}, heads)), body)), pager);
    $('filter').addEventListener('input', () => { page = 0; draw(); });
    draw();
  }

  function open() {
    if (!D.open.length) return;
    $('open-card').hidden = false;
    $('open').append(el('table', {}, el('thead', {}, el('tr', {}, ['Symbol', 'Side', 'Quantity', 'Since', 'Average', 'Mark', 'Unrealised'].map((h, i) => el('th', {class: i < 2 ? 'l' : ''}, h)))),
      el('tbody', {}, D.open.map(([symbol, dir, qty, since, avg, mark, pnl]) => el('tr', {}, el('td', {class: 'l'}, symbol),
        el('td', {class: 'l'}, el('span', {class: `badge ${dir > 0 ? 'long' : 'short'}`}, dir > 0 ? 'long' : 'short')), el('td', {}, qty), el('td', {}, time(since)),
        el('td', {}, avg === null ? DASH : String(avg)), el('td', {}, mark), el('td', {class: sign(pnl)}, signed(pnl, money)))))));
  }

  // ---- what it was made of, what went wrong

  function about() {
    const rows = (title, entries) => el('section', {class: 'card'}, el('div', {class: 'head'}, el('h2', {}, title)),
      entries.length ? entries.map(([k, v]) => el('div', {class: 'row'}, el('span', {class: 'k'}, k), el('span', {class: 'v'}, v))) : el('p', {class: 'soft'}, 'None.'));
    const data = D.data.map(([stream, symbol, tf, bars, from, to, gaps]) => [`${stream}: ${symbol} ${tf}`,
      `${count(bars, 'bar')}, ${date(from)} to ${date(to)}${gaps ? `, ${count(gaps, 'gap')}` : ''}`]);
    $('about').append(rows('Parameters', Object.entries(D.params).map(([k, v]) => [k, String(v)])),
      rows('Data and settings', [...data, ...Object.entries(D.config).map(([k, v]) => [k.replaceAll('_', ' '), String(v)])]));
  }

  function notes() {
    const box = $('notes'), card = (title, n, ...children) => box.append(el('section', {class: 'card'}, el('details', {open: n <= 12}, el('summary', {}, `${title} (${n.toLocaleString('en-US')})`), ...children)));
    if (D.warnings.length) card('Warnings', D.warnings.length + D.warnings_dropped, D.warnings.map(w => el('p', {class: 'soft'}, w)));
    if (D.denied.length) {
      card('Denied orders', D.denied.reduce((s, d) => s + d[2], 0), el('div', {class: 'scroll'}, el('table', {}, el('tbody', {}, D.denied.map(([code, text, n, first]) => el('tr', {},
        el('td', {class: 'l mono'}, code), el('td', {}, `${n.toLocaleString('en-US')}×`), el('td', {class: 'l soft', style: 'white-space:normal;min-width:220px'}, text), el('td', {class: 'faint'}, `first ${time(first)}`)))))));
    }
    const log = (title, list) => list.total && card(title, list.total, el('div', {class: 'log'}, list.items.map(([t, level, text]) => el('div', {},
      el('time', {}, time(t)), level ? el('span', {class: 'lv'}, level) : null, el('span', {}, text)))),
      list.total > list.items.length ? el('p', {class: 'note'}, `The first ${list.items.length.toLocaleString('en-US')}; the JSON result has more.`) : null);
    log('Log', D.logs);
    log('Marks', D.marks);
  }

  function footer() {
    const line = [`Perigee ${D.engine}`];
    if (D.seconds > 0) line.push(`${fixed(D.seconds, 2)} s${D.bars_per_second > 0 ? `, ${Math.round(D.bars_per_second).toLocaleString('en-US')} bars/s` : ''}`);
    $('footer').append(el('p', {}, line.join(' · ')), D.file ? el('p', {}, D.file) : '', D.sha256 ? el('p', {class: 'mono'}, `script ${D.sha256}`) : '',
      D.hash ? el('p', {class: 'mono'}, `result ${D.hash}`) : '',
      el('p', {}, 'Past results, simulated or real, do not promise future ones. Times are UTC.'),
      el('p', {}, 'Charts: TradingView Lightweight Charts™, Copyright (c) TradingView, Inc., ', el('a', {href: 'https://www.tradingview.com/', rel: 'noopener noreferrer'}, 'tradingview.com'), '.'));
  }

  // ---- light and dark

  const system = window.matchMedia('(prefers-color-scheme: dark)');
  const store = {get: () => { try { return localStorage.getItem('perigee-theme'); } catch { return null; } }, set: v => { try { localStorage.setItem('perigee-theme', v); } catch { /* private or file: */ } }};
  const theme = dark => document.documentElement.classList.toggle('dark', dark);
  theme(store.get() ? store.get() === 'dark' : system.matches);
  system.addEventListener('change', e => { if (!store.get()) { theme(e.matches); drawCharts(); } });
  $('theme').onclick = () => {
    const dark = !document.documentElement.classList.contains('dark');
    theme(dark);
    store.set(dark ? 'dark' : 'light');
    drawCharts();
  };
  window.addEventListener('beforeprint', () => { theme(false); drawCharts(); });

  // One broken panel must not take the others with it.
  for (const part of [head, tiles, paths, stats, months, costs, histogram, excursion, trades, open, about, notes, footer, drawCharts]) {
    try { part(); } catch (e) { console.error(part.name, e); }
  }
  $('hold').onclick = () => { showHold = !showHold; drawCharts(); };
  $('log').onclick = () => { logScale = !logScale; drawCharts(); };
  $('kind').onclick = () => { asLine = !asLine; drawCharts(); };
})();
