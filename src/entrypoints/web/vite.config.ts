import { runnerImport, type Plugin } from "vite";
import { defineConfig } from "vitest/config";

const SERVICE = "http://localhost:8080";

/** Puts the frame of the page into its HTML: it is painted while the script is on its way. */
const shell: Plugin = {
  name: "shell",
  transformIndexHtml: {
    order: "pre",
    async handler(html) {
      const { module } = await runnerImport<typeof import("./source/shell")>("./source/shell.tsx", {
        configFile: false,
        build: { assetsInlineLimit: 0 },
      });
      return html.replace(/<!-- the frame.*?-->/, module.shell());
    },
  },
};

export default defineConfig({
  plugins: [shell],
  build: {
    // What has light-dark() and dialog: nothing has to be rewritten for older ones.
    target: ["chrome123", "firefox121", "safari17.5"],
    outDir: "built",
    assetsInlineLimit: 0, // the policy of the page takes its scripts and styles from files alone
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { "/api": SERVICE, "/health": SERVICE, "/media": SERVICE, "/metrics": SERVICE } },
  test: { environment: "happy-dom", include: ["tests/**/*.test.{ts,tsx}"] },
});
