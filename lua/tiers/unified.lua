-- Plans of the one interface over many brokers. What the numbers mean: lua/tiers/README.md.
return tiers{
  edition="unified", name="Unified", currency="USD", default="free", grace_days=14,
  about="Several accounts at several brokers, one interface",

  base={
    limits={
      pairs=unlimited, pairs_per_bot=unlimited, venues=unlimited, trades_per_day=unlimited, trades_per_month=unlimited,
      members=1, strategies=1, bots=1, accounts=1, api_calls_per_hour=500, api_calls_per_minute=600,
      backtests_per_day=5, backtest_parallel=1, backtest_seconds=30, notices_per_day=1000, lua_memory_kib=2048, cpu_ms_per_s=10,
    },
    rights={testnet=true, live=true, backtest=true, custom_parameters=true, custom_strategies=true, strategies_all=true,
      notify_mail=true},
  },

  tiers={
    { id="free", name="Free", about="One account", price_month="0" },

    { id="premium", name="Premium", about="Accounts without end", price_month="29",
      limits={accounts=unlimited, bots=20, strategies=20, api_calls_per_hour=10000, api_calls_per_minute=3000,
        backtests_per_day=200, backtest_parallel=2, backtest_seconds=300, notices_per_day=5000,
        lua_memory_kib=16384, cpu_ms_per_s=100},
      rights={analytics_advanced=true, backtest_advanced=true, api_access=true, support_mail=true, support_priority=true} },

    { id="enterprise", name="Enterprise", about="For an organisation", price_month="99",
      limits={accounts=unlimited, bots=200, strategies=200, members=100, api_calls_per_hour=100000, api_calls_per_minute=12000,
        backtests_per_day=unlimited, backtest_parallel=4, backtest_seconds=1800, notices_per_day=unlimited,
        lua_memory_kib=65536, cpu_ms_per_s=400},
      rights={analytics_advanced=true, backtest_advanced=true, api_access=true, webhooks_out=true, team=true, integrations=true,
        support_mail=true, support_priority=true, support_dedicated=true} },
  },
}
