// The operator console's pages, below /admin. A page is a folder of its own; this table is the only file that all of them share. `path`
// is written out, on a line that begins with it: the build reads it from here.
import { lazy } from "solid-js";
import type { PageRoute } from "~/ui/routing";

export const routes: readonly PageRoute[] = [
  { path: "/login", open: true, page: lazy(() => import("./auth/login")) },
  { path: "/", nav: { label: "System", icon: "server" }, page: lazy(() => import("./system/page")) },
];
