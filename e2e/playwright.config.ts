import { defineConfig } from '@playwright/test';
import { existsSync } from 'node:fs';

// A system Chromium where there is one (Debian: apt-get install chromium), else Playwright's own.
const system = process.env.CHROMIUM ?? (existsSync('/usr/bin/chromium') ? '/usr/bin/chromium' : undefined);

export default defineConfig({
  // In the order of their names: the story takes the node from its first sign-in on.
  testDir: 'specs',
  outputDir: 'test-results',
  // One real lab, one story: the specs follow each other.
  workers: 1,
  fullyParallel: false,
  timeout: 180_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  globalSetup: './support/setup.ts',
  globalTeardown: './support/teardown.ts',
  use: {
    baseURL: process.env.BASE_URL ?? 'http://127.0.0.1:8090',
    trace: 'retain-on-failure',
    viewport: { width: 1440, height: 900 },
    launchOptions: {
      executablePath: system,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    },
  },
});
