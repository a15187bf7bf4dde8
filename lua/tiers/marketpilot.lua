-- Plans of the scored DCA deals and the marketplace. What the numbers mean: lua/tiers/README.md.
return tiers{
  edition="marketpilot", name="MarketPilot", currency="USD", default="free", grace_days=7,
  about="Filters, scores and deals",

  base={
    limits={
      bots=1, pairs=unlimited, pairs_per_bot=10, accounts=1, venues=1, strategies=1, members=1,
      trades_per_day=unlimited, api_calls_per_hour=500, api_calls_per_minute=600,
      backtests_per_day=5, backtest_parallel=1, backtest_seconds=30, notices_per_day=1000, lua_memory_kib=2048, cpu_ms_per_s=10,
    },
    rights={testnet=true, live=true, backtest=true, notify_mail=true},
  },

  tiers={
    { id="free", name="Free", about="Basic DCA", price_month="0", limits={trades_per_month=5} },

    { id="pro", name="Pro", about="Everything a trader needs", price_month="29",
      limits={trades_per_month=unlimited, bots=20, pairs_per_bot=unlimited, accounts=10, venues=unlimited, strategies=50,
        api_calls_per_hour=5000, api_calls_per_minute=3000, backtests_per_day=200, backtest_parallel=2, backtest_seconds=300,
        notices_per_day=5000, lua_memory_kib=16384, cpu_ms_per_s=100},
      rights={strategies_all=true, strategies_premium=true, custom_parameters=true, custom_strategies=true, custom_indicators=true,
        backtest_advanced=true, analytics_advanced=true, scoring=true, copy_trading=true, marketplace=true,
        notify_telegram=true, notify_discord=true, notify_slack=true, notify_sms=true, support_mail=true} },

    { id="enterprise", name="Enterprise", about="Programs welcome", price_month="99",
      limits={trades_per_month=unlimited, bots=100, pairs_per_bot=unlimited, accounts=unlimited, venues=unlimited, strategies=200,
        members=25, api_calls_per_hour=50000, api_calls_per_minute=12000, backtests_per_day=unlimited, backtest_parallel=4,
        backtest_seconds=1800, notices_per_day=unlimited, lua_memory_kib=65536, cpu_ms_per_s=400},
      rights={strategies_all=true, strategies_premium=true, custom_parameters=true, custom_strategies=true, custom_indicators=true,
        backtest_advanced=true, analytics_advanced=true, scoring=true, copy_trading=true, marketplace=true,
        notify_telegram=true, notify_discord=true, notify_slack=true, notify_sms=true, api_access=true, webhooks_out=true,
        team=true, support_mail=true, support_dedicated=true} },

    { id="white-label", name="White-label", about="Under a name of your own, for customers of your own", price_month="299",
      limits={trades_per_month=unlimited, bots=unlimited, pairs_per_bot=unlimited, accounts=unlimited, venues=unlimited,
        strategies=unlimited, members=unlimited, api_calls_per_hour=200000, api_calls_per_minute=30000,
        backtests_per_day=unlimited, backtest_parallel=8, backtest_seconds=1800, notices_per_day=unlimited,
        lua_memory_kib=262144, cpu_ms_per_s=1000},
      rights={strategies_all=true, strategies_premium=true, custom_parameters=true, custom_strategies=true, custom_indicators=true,
        backtest_advanced=true, analytics_advanced=true, scoring=true, copy_trading=true, marketplace=true,
        notify_telegram=true, notify_discord=true, notify_slack=true, notify_sms=true, api_access=true, webhooks_out=true,
        team=true, white_label=true, reseller=true, support_mail=true, support_dedicated=true} },
  },
}
