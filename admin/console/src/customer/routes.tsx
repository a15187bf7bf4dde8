// The customer console's pages. A page is a folder of its own; this table is the only file that all of them share. `path` is written
// out, on a line that begins with it: the build reads it from here.
import { lazy } from "solid-js";
import type { PageRoute } from "~/ui/routing";

export const routes: readonly PageRoute[] = [
  // Signing in
  { path: "/login", open: true, page: lazy(() => import("./auth/login")) },
  { path: "/register", open: true, page: lazy(() => import("./auth/register")) },
  { path: "/verify-email", open: true, page: lazy(() => import("./auth/verify")) },
  { path: "/forgot-password", open: true, page: lazy(() => import("./auth/forgot")) },
  { path: "/reset-password", open: true, page: lazy(() => import("./auth/reset")) },

  // Trading
  { path: "/", nav: { label: "Overview", icon: "overview" }, page: lazy(() => import("./overview/page")) },
  { path: "/bots", nav: { label: "Bots", icon: "bot" }, page: lazy(() => import("./bots/list")) },
  { path: "/bots/new", page: lazy(() => import("./wizard/page")) },
  { path: "/trades", nav: { label: "Trades", icon: "trades" }, page: lazy(() => import("./trades/page")) },
  { path: "/accounts", nav: { label: "Accounts", icon: "account" }, page: lazy(() => import("./accounts/list")) },
  { path: "/accounts/:id", page: lazy(() => import("./accounts/detail")) },
  { path: "/analytics", nav: { label: "Analytics", icon: "analytics" }, page: lazy(() => import("./analytics/page")) },
  { path: "/bots/:id", page: lazy(() => import("./bots/page")) },

  // Signals
  { path: "/signals", nav: { label: "Signals", icon: "signal" }, page: lazy(() => import("./signals/list")) },
  { path: "/signals/hooks/:id", page: lazy(() => import("./signals/page")) },
  { path: "/signals/rules", page: lazy(() => import("./signals/rules")) },
  { path: "/signals/rules/:name", page: lazy(() => import("./signals/rule")) },

  // Strategies
  { path: "/strategies", nav: { label: "Strategies", icon: "studio" }, page: lazy(() => import("./studio/list")) },
  { path: "/strategies/:id", page: lazy(() => import("./studio/page")) },
  { path: "/backtests", nav: { label: "Backtests", icon: "backtest" }, page: lazy(() => import("./backtests/list")) },
  { path: "/backtests/compare", page: lazy(() => import("./backtests/compare")) },
  { path: "/backtests/optimise", page: lazy(() => import("./backtests/optimise")) },
  { path: "/backtests/optimise/:id", page: lazy(() => import("./backtests/found")) },
  { path: "/backtests/:id", page: lazy(() => import("./backtests/page")) },

  // What people are told
  { path: "/notices", nav: { label: "Notices", icon: "bell" }, page: lazy(() => import("./notices/page")) },

  // Account
  { path: "/account", page: lazy(() => import("./account/profile")) },
  { path: "/account/security", page: lazy(() => import("./account/security")) },
  { path: "/account/keys", page: lazy(() => import("./account/keys")) },
  { path: "/account/plan", page: lazy(() => import("./account/plan")) },
  { path: "/account/team", page: lazy(() => import("./account/team")) },
  { path: "/account/data", page: lazy(() => import("./account/data")) },
];
