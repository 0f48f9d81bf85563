/// <reference types="vitest/config" />
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// `npm run dev` serves the pages with hot reload and passes API calls on to a running server.
const api = process.env.TOWPATH_UI_API ?? 'http://127.0.0.1:4200'

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: '../operator/src/towpath_operator/ui_dist',
    emptyOutDir: true,
    // The content security policy allows no data: fonts or scripts; only tiny images may be inlined.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1700, // elkjs, in a worker of its own that only the graph page starts
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': { target: api, changeOrigin: true, headers: { origin: api } } } },
  test: { include: ['src/**/*.test.ts'] },
})
