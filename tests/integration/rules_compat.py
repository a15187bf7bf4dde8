"""The other fill models on tiny bars, from the rules in the reference data's README; whole runs are compared by tests/reference."""
from rules_match import FLAT, simple

BT, BTR = ('--fill-model', 'compat-backtesting'), ('--fill-model', 'compat-backtrader')
for model, short in ((BT, 'backtesting'), (BTR, 'backtrader')):
    n = f'rule 06 compat-{short}: '
    simple(n + 'market at the next open', f'{FLAT}; 101 102 100 101', {0: 'ctx:buy{qty=2}'}, '1 buy 2@101', *model)
    simple(n + 'buy stop, gap: the open', f'{FLAT}; 104 105 103 104', {0: 'ctx:buy{qty=1, type="stop", trigger=102}'}, '1 buy 1@104', *model)
    simple(n + 'buy stop, touched: the stop', f'{FLAT}; 100 102 99 100', {0: 'ctx:buy{qty=1, type="stop", trigger=102}'}, '1 buy 1@102', *model)
    for bar, price in (('100 100 99 100', '99'), ('97 98 96 97', '97')):
        simple(f'{n}buy limit in {bar}: min(open, limit)', f'{FLAT}; {bar}', {0: 'ctx:buy{qty=1, type="limit", price=99}'}, f'1 buy 1@{price} maker', *model)
    simple(n + 'both in a bar: the stop loss', f'{FLAT}; {FLAT}; 100 103 97 100', {0: 'ctx:buy{qty=1, sl=98, tp=102}'}, '1 buy 1@100; 2 sell 1@98 sl', *model)
simple('rule 06 compat-backtesting: sl of a market entry is live in the entry bar', f'{FLAT}; 100 101 97 98; {FLAT}', {0: 'ctx:buy{qty=1, sl=98}'},
       '1 buy 1@100; 1 sell 1@98 sl', *BT)
simple('rule 06 compat-backtesting: sl of a limit entry is live from the next bar', f'{FLAT}; 100 101 97 98; 99 99 97 97', {0: 'ctx:buy{qty=1, type="limit", price=99, sl=98}'},
       '1 buy 1@99 maker; 2 sell 1@98 sl', *BT)
simple('rule 06 compat-backtrader: children are live from the bar after the entry', f'{FLAT}; 100 101 97 98; 99 99 97 97', {0: 'ctx:buy{qty=1, sl=98}'},
       '1 buy 1@100; 2 sell 1@98 sl', *BTR)
simple('rule 06 compat-backtesting: spread on the entry only', f'{FLAT}; {FLAT}; {FLAT}; {FLAT}', {0: 'ctx:buy{qty=1}', 1: 'ctx:close{}'},
       '1 buy 1@100.2; 2 sell 1@100', *BT, '--spread-pct', '0.2')
simple('rule 06 compat-backtrader: slippage is capped at the bar\'s high', f'{FLAT}; 100 100.5 99 100', {0: 'ctx:buy{qty=1}'}, '1 buy 1@100.5', *BTR, '--slippage-pct', '1')
