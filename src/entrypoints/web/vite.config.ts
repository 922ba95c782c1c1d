import { defineConfig } from "vitest/config";

const SERVICE = "http://localhost:8080";

export default defineConfig({
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
