import { defineConfig } from 'vitest/config'

const project = (name: string, include: string[], timeoutMs: number) => ({
  extends: true as const,
  test: { name, include, testTimeout: timeoutMs, hookTimeout: timeoutMs, exclude: ['**/node_modules/**', 'dist/**'] },
})

export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default', './scripts/totals-reporter.mjs'],
    projects: [
      project('unit', ['{machinery,apiserver,controllers,agent,addons,charts,crds,cli}/**/*.test.ts'], 20_000),
      project('contract', ['test/contract/**/*.test.ts'], 60_000),
      project('integration', ['test/integration/**/*.test.ts'], 60_000),
      project('simulation', ['test/simulation/**/*.test.ts'], 600_000),
      project('e2e', ['test/e2e/**/*.test.ts'], 180_000),
      project('tidy', ['test/tidy/**/*.test.ts'], 60_000),
    ],
  },
})
