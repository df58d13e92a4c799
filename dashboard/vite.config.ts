// How the page is built, and the frame around texts to be read: one style sheet, nothing inline, so
// that both live under a content security policy without exceptions. `vite dashboard` serves it
// while one works on it and passes questions to the lab on 8080.

import { join } from 'node:path';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [
    {
      // Whether it is light or dark is known before anything is painted.
      name: 'theme-first',
      transformIndexHtml: {
        order: 'post',
        handler: (html) => html.replace('<script type="module"', '$& blocking="render"'),
      },
    },
  ],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../dist/dashboard',
    emptyOutDir: true,
    target: 'es2024',
    modulePreload: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    rolldownOptions: {
      input: ['index.html', 'document.html'].map((name) => join(import.meta.dirname, name)),
    },
  },
  server: { host: '127.0.0.1', proxy: { '/lab': 'http://127.0.0.1:8080' } },
});
