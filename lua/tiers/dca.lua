-- Plans of the DCA bot. What the numbers mean: lua/tiers/README.md.
return tiers{
  edition="dca", name="DCA", currency="USD", default="starter", grace_days=7,
  about="Martingale and DCA bots on perpetuals",

  base={
    limits={
      pairs=unlimited, strategies=3, members=1, accounts=2, venues=1,
      trades_per_day=unlimited, trades_per_month=unlimited, api_calls_per_hour=5000, api_calls_per_minute=600,
      backtests_per_day=20, backtest_parallel=1, backtest_seconds=60, notices_per_day=1000, lua_memory_kib=4096, cpu_ms_per_s=20,
    },
    rights={testnet=true, backtest=true, custom_strategies=true, strategies_all=true, notify_mail=true, support_mail=true},
  },

  tiers={
    { id="starter", name="Starter", about="One bot on the test network", price_month="29", price_year="290",
      limits={bots=1, pairs_per_bot=3} },

    { id="pro", name="Pro", about="Five bots with real money", price_month="79", price_year="790",
      limits={bots=5, pairs_per_bot=10, strategies=10, accounts=5, venues=2, api_calls_per_hour=25000, api_calls_per_minute=3000,
        backtests_per_day=200, backtest_parallel=2, backtest_seconds=300, notices_per_day=5000,
        lua_memory_kib=16384, cpu_ms_per_s=100},
      rights={live=true, backtest_advanced=true, custom_parameters=true, notify_telegram=true} },

    { id="enterprise", name="Enterprise", about="Twenty bots, a team, every venue", price_month="199", price_year="1990",
      limits={bots=20, pairs_per_bot=unlimited, strategies=100, members=25, accounts=unlimited, venues=unlimited,
        api_calls_per_hour=250000, api_calls_per_minute=12000, backtests_per_day=unlimited, backtest_parallel=4,
        backtest_seconds=1800, notices_per_day=unlimited, lua_memory_kib=65536, cpu_ms_per_s=400},
      rights={live=true, backtest_advanced=true, custom_parameters=true, team=true, webhooks_out=true,
        api_access=true, white_label=true, notify_telegram=true, notify_discord=true, notify_slack=true, notify_sms=true} },
  },

  addons={
    {id="bot_slot", name="Bot slot", price_month="15", limits={bots=1, lua_memory_kib=2048, cpu_ms_per_s=20}},
    {id="pair", name="Pair for every bot", price_month="5", limits={pairs_per_bot=1}},
    {id="dedicated_host", name="Dedicated host", price_month="99", rights={dedicated_host=true}},
  },
}
