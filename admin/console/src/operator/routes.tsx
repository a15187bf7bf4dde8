// The operator console's pages, below /admin. A page is a folder of its own; this table is the only file that all of them share. `path`
// is written out, on a line that begins with it: the build reads it from here.
import { lazy } from "solid-js";
import type { PageRoute } from "~/ui/routing";

export const routes: readonly PageRoute[] = [
  { path: "/login", open: true, page: lazy(() => import("./auth/login")) },
  { path: "/", nav: { label: "System", icon: "server" }, page: lazy(() => import("./system/page")) },
  { path: "/halt", nav: { label: "Halt", icon: "stop" }, page: lazy(() => import("./halt/page")) },
  { path: "/bots", nav: { label: "Bots", icon: "bot", group: "Trading" }, page: lazy(() => import("./bots/list")) },
  { path: "/bots/:id", page: lazy(() => import("./bots/page")) },
  { path: "/failures", nav: { label: "Dead letters", icon: "warn", group: "Trading" }, page: lazy(() => import("./failures/page")) },
  { path: "/unknown", nav: { label: "Unknown orders", icon: "question", group: "Trading" }, page: lazy(() => import("./unknown/page")) },
  { path: "/signals", nav: { label: "Signals", icon: "signal", group: "Trading" }, page: lazy(() => import("./signals/page")) },
  { path: "/notices", nav: { label: "Notices", icon: "bell", group: "Trading" }, page: lazy(() => import("./notices/page")) },
  { path: "/scripts", nav: { label: "Scripts", icon: "studio", group: "Trading" }, page: lazy(() => import("./scripts/list")) },
  { path: "/scripts/:id", page: lazy(() => import("./scripts/page")) },
  { path: "/users", nav: { label: "Users", icon: "users", group: "Business" }, page: lazy(() => import("./users/list")) },
  { path: "/users/:id", page: lazy(() => import("./users/page")) },
  { path: "/tenants", nav: { label: "Usage", icon: "account", group: "Business" }, page: lazy(() => import("./tenants/page")) },
  { path: "/revenue", nav: { label: "Revenue", icon: "analytics", group: "Business" }, page: lazy(() => import("./revenue/page")) },
  { path: "/audit", nav: { label: "Audit log", icon: "history", group: "Business" }, page: lazy(() => import("./audit/page")) },
];
