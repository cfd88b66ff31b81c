// Every page of the release build, opened from nothing and reached by a click: its part of the WebAssembly arrives, the
// page takes over what the server rendered, and nothing complains on the way.
import type { Page } from '@playwright/test';
import { expect, test } from '../support/test';
import { PASSWORD } from '../support/console';
import { NOBODY, SimulatedNode } from '../support/simulated';

const LISTS = ['/', '/machines', '/clouds', '/protection', '/plans', '/runs', '/activity', '/settings'];
/** Lists with a page for each of their objects. */
const DETAILS = ['machines', 'clouds', 'protection', 'plans', 'runs'];
const ids: Record<string, string> = {};

const node = new SimulatedNode(18402, 200);
const ask = node.api.bind(node);
test.use({ baseURL: node.url, storageState: async ({}, use) => use(node.sessionFile) });

test.beforeAll(async ({ browser }) => {
  await node.start();
  await node.session(browser);
  const clouds = (await ask('GET', '/clouds')).items;
  const machine = (await ask('GET', '/machines?q=site:berlin%20state:stopped&limit=1')).items[0];
  const there = clouds.find((c: any) => c.site === 'dublin');
  const group = await ask('POST', '/groups', { name: 'shop', protected_site: 'berlin', recovery_site: 'dublin', target_cloud_id: there.id });
  const prompt = { name: 'Prompt', before_priority: 1, action: { type: 'prompt', question: 'Shall it go on?' } };
  const plan = await ask('POST', '/plans', { name: 'shop', group_ids: [group.id], callouts: [prompt] });
  const run = await ask('POST', '/moves', { machine_id: machine.id, target_cloud_id: there.id, mode: 'cold' });
  Object.assign(ids, { machines: machine.id, clouds: clouds[0].id, protection: group.id, plans: plan.id, runs: run.id });
});
test.afterAll(() => node.stop());

/** Answers that are errors and requests without an answer, besides those that leaving a page ends. */
function failures(page: Page): string[] {
  const failed: string[] = [];
  page.on('requestfailed', r => { if (r.failure()?.errorText !== 'net::ERR_ABORTED') failed.push(`${r.url()}: ${r.failure()?.errorText}`); });
  page.on('response', r => { if (r.status() >= 400) failed.push(`${r.url()}: ${r.status()}`); });
  return failed;
}

const hydrated = (page: Page) => page.waitForFunction(() => performance.getEntriesByName('hydrated').length > 0);

async function opens(page: Page, path: string) {
  const failed = failures(page);
  await page.goto(path);
  await hydrated(page);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  expect(failed).toEqual([]);
}

for (const path of [...LISTS, '/clouds/add', ...DETAILS.map(noun => `/${noun}/:id`)]) {
  test(`${path}: opened from nothing`, async ({ page }) => {
    await opens(page, path.replace(':id', ids[path.split('/')[1]]));
    await page.keyboard.press('Control+k');
    await expect(page.getByRole('dialog', { name: 'Go to' })).toBeVisible();
  });
}

test('the sign-in page takes over its form', async ({ browser }) => {
  const context = await browser.newContext({ baseURL: node.url, storageState: NOBODY });
  const page = await context.newPage();
  await opens(page, '/sign-in');
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeEnabled();
  await context.close();
});

/** The page's scripts come when the answer is called: until then somebody fills in what the server rendered. */
async function heldBack(page: Page): Promise<() => void> {
  let release = () => {};
  const gate = new Promise<void>(done => { release = done; });
  await page.route(/\.wasm/, async route => {
    await gate;
    await route.continue();
  });
  return release;
}

async function opensLate(page: Page, path: string): Promise<() => Promise<unknown>> {
  const release = await heldBack(page);
  await page.goto(path, { waitUntil: 'domcontentloaded' });
  return () => {
    release();
    return hydrated(page);
  };
}

test('what is typed before the page reacts signs in', async ({ browser }) => {
  const context = await browser.newContext({ baseURL: node.url, storageState: NOBODY });
  const page = await context.newPage();
  const react = await opensLate(page, '/sign-in');
  await page.getByLabel('Name').fill('admin');
  await page.getByLabel('Password').fill(PASSWORD);
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeDisabled();
  await react();
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(`${node.url}/`);
  await context.close();
});

test('text, lists and long texts that were filled in early are part of the plan', async ({ page }) => {
  const react = await opensLate(page, `/plans/${ids.plans}`);
  await expect(page.getByLabel('Name', { exact: true }).first()).toHaveValue('shop');
  await page.getByLabel('Question').fill('Is it really lost?');
  await page.getByLabel('When').selectOption({ label: 'After all' });
  await react();
  await expect(page.getByLabel('Question')).toHaveValue('Is it really lost?');
  await page.getByRole('button', { name: 'Save the plan' }).click();
  await expect.poll(async () => (await ask('GET', `/plans/${ids.plans}`)).callouts).toMatchObject([{ before_priority: 6, action: { question: 'Is it really lost?' } }]);
});

test('a certificate, a kind of cloud and a box that were chosen early stay chosen', async ({ page }) => {
  const react = await opensLate(page, '/clouds/add');
  const long = page.locator('textarea').first();
  await long.fill('-----BEGIN');
  await react();
  await expect(long).toHaveValue('-----BEGIN');
  // The signal behind it has it too: drawn again from there.
  await page.unroute(/\.wasm/);
  const again = await opensLate(page, '/clouds/add');
  await page.getByRole('radio', { name: /Simulat/ }).check();
  await again();
  await expect(page.getByRole('radio', { name: /Simulat/ })).toBeChecked();
  await expect(page.locator('textarea')).toHaveCount(0);
  await page.unroute(/\.wasm/);
  const rows = await opensLate(page, '/machines');
  await page.locator('tr.row input[type=checkbox]').nth(2).check();
  await rows();
  await expect(page.getByRole('region', { name: 'Chosen machines' })).toContainText('1 chosen');
});

test('every page by a click, without a new document', async ({ page }) => {
  await page.goto('/');
  await hydrated(page);
  const failed = failures(page);
  await page.evaluate(() => { (window as any).same = true; });
  const heading = page.getByRole('heading', { level: 1 });
  const click = async (selector: string, arrived: RegExp) => {
    await page.locator(selector).first().click();
    await expect(page).toHaveURL(arrived);
    await expect(heading).toBeVisible();
  };
  for (const path of [...LISTS.slice(1), '/']) {
    await click(`nav a[href="${path}"]`, new RegExp(`${path}$`));
    const noun = path.slice(1);
    if (DETAILS.includes(noun)) await click(`main a[href^="/${noun}/"]:not([href$="/add"])`, new RegExp(`/${noun}/.+`));
    if (noun === 'clouds') {
      await click(`nav a[href="${path}"]`, new RegExp(`${path}$`));
      await click('main a[href="/clouds/add"]', /\/clouds\/add$/);
    }
  }
  expect(await page.evaluate(() => (window as any).same)).toBe(true);
  expect(failed).toEqual([]);
});

test('without scripts every page is whole', async ({ browser }) => {
  const context = await browser.newContext({ baseURL: node.url, storageState: node.sessionFile, javaScriptEnabled: false });
  const page = await context.newPage();
  for (const path of [...LISTS, '/clouds/add', ...DETAILS.map(noun => `/${noun}/${ids[noun]}`)]) {
    await page.goto(path);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await expect(page.locator('main')).not.toContainText('Loading…');
  }
  await context.close();
});

test('the page asks for its own part together with the main one, and once', async ({ page }) => {
  // Many at once: what a page is drawn with must not depend on the thread that goes on with it.
  const pages = await Promise.all(Array.from({ length: 40 }, () => page.request.get('/runs').then(r => r.text())));
  for (const html of pages) {
    const preloads = [...html.matchAll(/<link[^>]*rel="preload"[^>]*>/g)].map(m => m[0]);
    expect(preloads.filter(link => /app_bg\./.test(link))).toHaveLength(1);
    expect(preloads.filter(link => /split_recovery\./.test(link))).toHaveLength(1);
  }
  const asked: string[] = [];
  page.on('request', r => { if (r.url().includes('/pkg/')) asked.push(r.url()); });
  await opens(page, '/runs');
  expect(asked.filter(url => /split_recovery\./.test(url))).toHaveLength(1);
  expect(asked).toEqual([...new Set(asked)]);
});

test('a part that cannot be had is said, and can be had later', async ({ page, noise }) => {
  await page.goto('/');
  await hydrated(page);
  await page.route(/split_recovery\./, route => route.abort());
  await page.locator('nav a[href="/runs"]').click();
  await expect(page.getByText('This page could not be loaded')).toBeVisible();
  await page.unroute(/split_recovery\./);
  await page.getByRole('button', { name: 'Load it again' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Runs' })).toBeVisible();
  // The loader reports the failure to the console.
  noise.length = 0;
});
