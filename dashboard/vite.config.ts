// How the page is built: one script, one style sheet, nothing inline, so that it lives under a
// content security policy without exceptions. `vite dashboard` serves it while one works on it and
// passes questions to the lab on 8080.

import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../dist/dashboard',
    emptyOutDir: true,
    target: 'es2024',
    modulePreload: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
  },
  server: { host: '127.0.0.1', proxy: { '/lab': 'http://127.0.0.1:8080' } },
});
