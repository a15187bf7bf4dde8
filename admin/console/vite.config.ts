// Builds two pages, index.html (customers) and admin.html (operators), that share their code, and pages.txt: which paths are shown by
// which page, read out of the two tables of routes, so that the server answers 404 for all others.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import solid from "vite-plugin-solid";

const here = fileURLToPath(new URL(".", import.meta.url));

// `path: "/bots/:id"` is how the tables write a path; a path that is made in another way is unknown to the server.
function pathsOf(table: string): string[] {
  return [...readFileSync(here + table, "utf8").matchAll(/^\s*\{?\s*path: "([^"]+)"/gm)].map((m) => m[1]!);
}

function pages(): Plugin {
  return {
    name: "perigee-pages",
    apply: "build",
    generateBundle() {
      const lines = [
        ...pathsOf("src/operator/routes.tsx").map((p) => `/admin${p === "/" ? "" : p} /admin.html`),
        ...pathsOf("src/customer/routes.tsx").map((p) => `${p} /index.html`),
      ];
      this.emitFile({ type: "asset", fileName: "pages.txt", source: lines.join("\n") + "\n" });
    },
  };
}

// A service that is being worked with: `perigee serve` there, `npm run dev` here.
const service = process.env.PERIGEE_URL ?? "http://localhost:8080";

export default defineConfig({
  root: here,
  // Styles are set by properties of the element: what stands in a template as text is inline style, which CSP refuses.
  plugins: [solid({ solid: { inlineStyles: false } as object }), pages()],
  resolve: { alias: { "~": here + "src" } },
  build: {
    target: "es2021",
    assetsInlineLimit: 0, // CSP: nothing inline
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: { input: { customer: here + "index.html", operator: here + "admin.html" } },
  },
  server: {
    host: "localhost",
    fs: { allow: [here, here + "../../lua", here + "../../examples/metatrader"] },
    proxy: {
      "/api": { target: service, ws: true },
      "^/admin(?!\\.html|/@|/src)": { target: "http://localhost:5173", rewrite: () => "/admin.html" },
    },
  },
});
