// api/handlers.h – private to api/: every handler, by its operationId. Start-up asserts that this list and routes/ agree.
#pragma once
#include "api/call.h"

#define API_HANDLERS(X)                                 \
  /* bots.c */                                          \
  X(bots_list) X(bot_create) X(bot_get) X(bot_patch) X(bot_delete) X(bot_clone) X(bot_accounts) X(bot_accounts_add) X(bot_failures) \
  /* bots_read.c */                                     \
  X(bot_orders) X(bot_fills) X(bot_trades) X(bot_logs) X(bot_equity) X(bot_stats) X(bot_shadow) X(bot_decisions) \
  /* analytics.c, analytics_equity.c, tenant_lists.c, alerts.c, reports.c */ \
  X(analytics_overview) X(analytics_by_symbol) X(analytics_by_strategy) X(analytics_by_account) X(analytics_by_day) X(analytics_equity) \
  X(trades_list) X(fills_list) X(positions_list) X(alerts_list) X(reports_get) \
  /* ea_owner.c, ea_terminal.c */                        \
  X(account_ea) X(account_ea_token) X(account_ea_hook) X(account_ea_commands) X(ea_hello) X(ea_poll) X(ea_commands) X(ea_signal) \
  /* hooks.c, hook_intake.c, hook_deliveries.c, signal_routes.c, own_rules.c */ \
  X(hooks_list) X(hook_create) X(hook_get) X(hook_patch) X(hook_delete) X(hook_post) X(hook_token) X(hook_bot_put) X(hook_bot_delete) X(hook_deliveries) X(hook_delivery) X(hook_receipts) \
  X(hook_test) X(hook_dry_run) X(hook_rule_run) X(signals_list) X(stages_get) X(stages_put) X(admin_stages_get) X(admin_stages_put) X(chat_code) X(chats_list) X(chat_delete) X(admin_held_rules) X(admin_held_rule_release) X(admin_signals_list) X(rules_list) X(rule_check) X(rule_version_get) X(rule_put) X(rule_get) X(rule_activate) X(rule_delete) \
  /* bots_signals.c */                                  \
  X(bot_signal) X(bot_signals) \
  /* bots_why.c, replays.c */                           \
  X(bot_order_why) X(bot_order_why_cancel) X(bot_replay) X(bot_what_if) X(bot_replays) X(bot_replay_get) X(bot_replay_delete) X(bot_parity) X(bot_parity_check) \
  /* bots_actions.c */                                  \
  X(bot_start) X(bot_pause) X(bot_stop) X(bot_restart) X(bot_params) X(bot_reload) X(bot_rollback) \
  X(admin_bot_stop) X(admin_bot_restart) X(admin_bot_release) \
  /* admin_bots.c */                                    \
  X(admin_bots_list) X(admin_bot_get) X(admin_bot_failures) X(admin_bot_logs) X(admin_bot_decisions) X(admin_bot_orders) X(admin_bot_why) X(admin_failures_list) \
  /* admin_audit.c, admin_desk.c, admin_system.c */     \
  X(admin_audit_list) X(admin_audit_verify) X(admin_tenants_list) X(admin_activations_list) X(admin_business_get) X(admin_system_get) \
  /* halts.c */                                         \
  X(admin_halt_get) X(admin_halt_set) X(admin_halt_clear) X(halt_get) X(halt_set) X(halt_clear) X(bot_halt_set) X(bot_halt_clear) \
  /* me.c */                                            \
  X(me_get) X(me_patch) X(me_delete) X(sessions_list) X(sessions_delete_others) X(session_delete) X(keys_list) X(key_create) X(key_delete) \
  /* me_export.c */                                     \
  X(me_export)                                          \
  /* orgs.c */                                          \
  X(orgs_list) X(org_create) X(org_get) X(members_list) X(member_patch) X(member_delete) X(invitations_list) X(invitation_create) \
  X(invitation_delete) X(invitation_accept) \
  /* ops.c */                                           \
  X(health) X(ready) X(metrics) X(openapi_json)         \
  /* accounts.c */                                      \
  X(admin_unknown_list) X(admin_unknown_decide) X(account_connection) X(accounts_list) X(account_create) X(account_secrets) X(account_delete) X(account_positions) \
  /* accounts_money.c */                                \
  X(account_get) X(account_balances) X(account_test) X(account_entries) X(account_deposit) X(account_withdraw) X(account_reset) \
  /* risk.c */                                          \
  X(account_patch) X(risk_limits_get) X(risk_limits_put) \
  /* rule_sets.c */                                     \
  X(news_list) X(news_add) X(news_delete) X(admin_news_list) X(admin_news_add) X(admin_news_delete) /* news.c */ \
  X(rule_sets_list) X(rule_set_get) X(rule_set_put) X(rule_set_delete) X(admin_rule_set_put) X(admin_rule_set_delete) X(account_rules_get) \
  /* notices.c, notice_channels.c */                     \
  X(notices_list) X(notice_get) X(notice_attempts) X(notice_replay) X(notice_events) X(notice_preferences_get) X(notice_preferences_put) X(admin_notice_failures) \
  X(channels_list) X(channel_create) X(channel_get) X(channel_patch) X(channel_delete) X(channel_code) X(channel_verify) X(channel_secret) X(channel_test) \
  /* admin_edition.c */                                 \
  X(admin_edition_load) X(edition_get)                  \
  /* admin_scripts.c */                                 \
  X(admin_scripts_list) X(admin_script_put) X(admin_script_check) X(admin_script_get) X(admin_versions_list) X(admin_version_get) X(admin_version_activate) \
  X(admin_script_rollback) X(admin_script_diff)         \
  /* admin_users.c */                                   \
  X(admin_users_list) X(admin_user_get) X(admin_user_create) X(admin_user_patch) X(admin_user_reset) X(admin_impersonate) X(admin_user_plan) X(admin_user_plan_delete) \
  /* auth.c */                                          \
  X(auth_register) X(auth_login) X(auth_refresh) X(auth_logout) X(auth_verify_email) X(auth_forgot_password) X(auth_reset_password) \
  X(auth_enable_2fa) X(auth_verify_2fa) X(auth_disable_2fa) \
  /* markets.c */                                       \
  X(markets_list) X(bars_list)                          \
  /* plans.c */                                         \
  X(plans_list) X(subscription_get) X(subscription_upgrade) X(subscription_cancel) X(usage_get) \
  /* strategies.c */                                    \
  X(strategies_list) X(strategy_create) X(strategy_get) X(strategy_delete) X(versions_list) X(version_create) X(version_get) \
  X(version_activate) X(version_shadow) X(version_shadow_get) X(strategy_rollback) X(strategy_diff)                  \
  /* strategy_check.c, script_docs.c, strategies_offered.c */                 \
  X(strategy_check) X(strategy_templates) X(scripts_reference) X(strategies_offered) \
  /* backtests.c */                                     \
  X(backtests_list) X(backtest_create) X(backtest_get) X(backtest_delete)                                            \
  X(optimizations_list) X(optimization_create) X(optimization_get) X(optimization_delete)

#define X(id) enum status api_##id(struct api_call *call);
API_HANDLERS(X)
#undef X
