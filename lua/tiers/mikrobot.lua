-- Plans of the signal service for MetaTrader accounts. What the numbers mean: lua/tiers/README.md.
return tiers{
  edition="mikrobot", name="Mikrobot", currency="USD", default="basic", grace_days=7,
  about="Validated signals, executed on the customer's own account",

  base={
    limits={
      bots=10, pairs=unlimited, pairs_per_bot=unlimited, accounts=5, venues=unlimited, strategies=0, members=1,
      trades_per_month=unlimited, api_calls_per_hour=5000, api_calls_per_minute=600,
      backtests_per_day=20, backtest_parallel=1, backtest_seconds=60, notices_per_day=1000, lua_memory_kib=8192, cpu_ms_per_s=50,
    },
    rights={testnet=true, live=true, backtest=true, custom_parameters=true, notify_mail=true, support_mail=true},
  },

  tiers={
    { id="basic", name="Basic", price_month="99", limits={trades_per_day=10} },

    { id="professional", name="Professional", price_month="199",
      limits={trades_per_day=50, api_calls_per_hour=25000, api_calls_per_minute=3000, backtests_per_day=200, backtest_parallel=2,
        backtest_seconds=300, notices_per_day=5000, lua_memory_kib=16384, cpu_ms_per_s=100},
      rights={strategies_all=true} },

    { id="enterprise", name="Enterprise", price_month="499",
      limits={bots=100, accounts=unlimited, trades_per_day=unlimited, api_calls_per_hour=250000, api_calls_per_minute=12000,
        backtests_per_day=unlimited, backtest_parallel=4, backtest_seconds=1800, notices_per_day=unlimited,
        lua_memory_kib=65536, cpu_ms_per_s=400},
      rights={strategies_all=true, strategies_premium=true, backtest_advanced=true, api_access=true, support_priority=true} },
  },
}
