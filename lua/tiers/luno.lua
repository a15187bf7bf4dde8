-- Plans of the spot bots. What the numbers mean: lua/tiers/README.md.
return tiers{
  edition="luno", name="Luno", currency="USD", default="free", grace_days=7,
  about="Bots on spot pairs",

  base={
    limits={
      pairs_per_bot=unlimited, venues=1, accounts=1, strategies=0, members=1, trades_per_day=unlimited, trades_per_month=unlimited,
      api_calls_per_minute=600, backtests_per_day=0, backtest_parallel=0, backtest_seconds=0, notices_per_day=1000,
      lua_memory_kib=2048, cpu_ms_per_s=10,
    },
    rights={testnet=true, live=true, custom_parameters=true, strategies_all=true, notify_mail=true},
  },

  tiers={
    { id="free", name="Free", price_month="0", limits={bots=1, pairs=1, api_calls_per_hour=100} },

    { id="basic", name="Basic", price_month="29.99",
      limits={bots=3, pairs=5, api_calls_per_hour=1000, backtests_per_day=20, backtest_parallel=1, backtest_seconds=60,
        notices_per_day=5000, lua_memory_kib=4096, cpu_ms_per_s=30},
      rights={notify_sms=true, backtest=true, support_mail=true} },

    { id="premium", name="Premium", price_month="99.99",
      limits={bots=10, pairs=20, api_calls_per_hour=10000, api_calls_per_minute=3000, strategies=20, accounts=3,
        backtests_per_day=200, backtest_parallel=2, backtest_seconds=300, notices_per_day=unlimited,
        lua_memory_kib=16384, cpu_ms_per_s=100},
      rights={notify_sms=true, notify_telegram=true, notify_discord=true, notify_slack=true, backtest=true, backtest_advanced=true,
        custom_strategies=true, custom_indicators=true, api_access=true, support_mail=true} },

    { id="enterprise", name="Enterprise", price_month="299.99",
      limits={bots=unlimited, pairs=unlimited, api_calls_per_hour=unlimited, api_calls_per_minute=30000, strategies=unlimited,
        accounts=unlimited, members=25, backtests_per_day=unlimited, backtest_parallel=4, backtest_seconds=1800,
        notices_per_day=unlimited, lua_memory_kib=65536, cpu_ms_per_s=400},
      rights={notify_sms=true, notify_telegram=true, notify_discord=true, notify_slack=true, backtest=true, backtest_advanced=true,
        custom_strategies=true, custom_indicators=true, api_access=true, webhooks_out=true, team=true, white_label=true, sla=true,
        support_mail=true, support_priority=true} },
  },
}
