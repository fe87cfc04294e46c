import { defineConfig } from 'vite';

const server = process.env.WILLET_URL ?? 'http://127.0.0.1:8000';

export default defineConfig({
  build: {
    outDir: '../crates/willet-server/assets',
    emptyOutDir: true,
    target: ['chrome123', 'firefox120', 'safari17.5'],
    // The server's Content-Security-Policy takes neither data: URLs nor inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: {
      '/api': server,
      '/ws': { target: server, ws: true },
    },
  },
});
