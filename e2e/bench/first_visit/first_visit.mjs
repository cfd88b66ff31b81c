// The first visit in a real Chromium: bytes on the wire (HTML, style, script, WebAssembly, answers of the API), and the
// time until the page reacts, against the load event of the same page with scripts off.
import { chromium } from '@playwright/test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { figure, percentile, sleep, until, withNode } from '../inventory/node.mjs';

const LIMIT = 400 * 1024;
const TURNS = 7;
const PASSWORD = 'correct horse battery staple';
const executablePath = process.env.CHROMIUM ?? (existsSync('/usr/bin/chromium') ? '/usr/bin/chromium' : undefined);

await withNode(['--simulate', '200'], async node => {
  await until('200 machines', async () => (await node.api('GET', '/machines?limit=1')).total >= 200);
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'] });
  try {
    const pages = { sign_in: await measure(browser, node.base + '/sign-in'), overview: await measure(browser, node.base + '/', await signIn(browser, node)) };
    const each = pick => Object.fromEntries(Object.entries(pages).map(([name, page]) => [name, Math.round(pick(page))]));
    const bytes = Math.max(...Object.values(pages).map(p => p.bytes));
    figure('first_visit.bytes', bytes, LIMIT, { pages: each(p => p.bytes) });
    const slowest = Object.values(pages).sort((a, b) => b.ready - a.ready)[0];
    figure('first_visit.interactive_ms', slowest.ready, slowest.plain, { pages: each(p => p.ready) });
    if (bytes > LIMIT) process.exitCode = 1;
  } finally {
    await browser.close();
  }
});

/** The larger sum of bytes of all visits, and the medians of both times. */
async function measure(browser, address, storageState) {
  const visits = [];
  const plain = [];
  // In turns, so that a busy moment hits both.
  for (let i = 0; i < TURNS; i++) {
    visits.push(await visit(browser, address, { storageState }));
    plain.push(await visit(browser, address, { storageState, javaScriptEnabled: false }));
  }
  console.error(address, visits[0].files);
  const median = all => percentile(all.map(v => v.ready), 0.5);
  return { bytes: Math.max(...visits.map(v => v.bytes)), ready: median(visits), plain: median(plain) };
}

/** With an empty cache. */
async function visit(browser, address, options) {
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
    const network = await context.newCDPSession(page);
    const asked = new Map();
    let bytes = 0;
    const files = {};
    network.on('Network.requestWillBeSent', e => asked.set(e.requestId, new URL(e.request.url).pathname));
    network.on('Network.loadingFinished', e => {
      const path = asked.get(e.requestId) ?? '';
      if (!path) return; // the icon in a data: address
      bytes += e.encodedDataLength;
      files[path] = e.encodedDataLength;
    });
    await network.send('Network.enable');
    await page.goto(address, { waitUntil: 'load' });
    const scripts = options.javaScriptEnabled !== false;
    if (scripts) await page.waitForFunction(() => performance.getEntriesByName('hydrated').length > 0);
    const ready = await page.evaluate(on => (on ? performance.getEntriesByName('hydrated')[0].startTime : performance.getEntriesByType('navigation')[0].loadEventStart), scripts);
    // What the page asks for once it lives belongs to the visit, too.
    if (scripts) await sleep(1000);
    return { bytes, files, ready };
  } finally {
    await context.close();
  }
}

/** The first sign-in of all, with the change of the one-time password; afterwards there is a session. */
async function signIn(browser, node) {
  const context = await browser.newContext({ baseURL: node.base });
  const page = await context.newPage();
  await page.goto('/sign-in');
  // The first visit is over when the page reacts.
  await page.waitForFunction(() => performance.getEntriesByName('hydrated').length > 0);
  await page.getByLabel('Name').fill('admin');
  await page.getByLabel('Password').fill(readFileSync(join(node.dir, 'initial-password'), 'utf8').trim());
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('New password', { exact: true }).fill(PASSWORD);
  await page.getByLabel('New password again').fill(PASSWORD);
  await page.getByRole('button', { name: 'Change it' }).click();
  await page.waitForURL(url => url.pathname === '/');
  const state = await context.storageState();
  await context.close();
  return state;
}
