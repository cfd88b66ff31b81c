// Every page, for those who may only look, for those who cannot see, and for narrow and wide screens.
import { api, BASE_URL } from '../support/console';
import { accessible, expect, shots, signIn, test } from '../support/test';
import { ready } from '../support/ready';

test.beforeAll(({ browser }) => ready(browser));

const PAGES = ['/', '/machines', '/machines/:machines', '/clouds', '/clouds/:clouds', '/clouds/add', '/protection', '/protection/:groups', '/plans', '/plans/:plans', '/runs', '/runs/:runs', '/activity', '/settings'];

/** `/plans/:plans` → the address of the first plan there is; none: what the page says of one that does not exist. */
async function real(path: string): Promise<string> {
  const noun = path.split(':')[1];
  if (!noun) return path;
  return path.replace(`:${noun}`, (await api('GET', `/${noun}?limit=1`)).items[0]?.id ?? 'none');
}

async function viewer(): Promise<{ name: string; password: string }> {
  const name = `viewer-${Date.now()}`;
  const password = 'a quiet pair of eyes';
  await api('POST', '/users', { name, role: 'viewer', password });
  return { name, password };
}

for (const path of PAGES) {
  test(`${path}: accessible in both schemes, no sideways scrolling on a phone`, async ({ page }) => {
    await signIn(page);
    await expect(page).not.toHaveURL(/sign-in/);
    await page.goto(await real(path));
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await accessible(page);
    }
    await page.setViewportSize({ width: 390, height: 844 });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(390);
    await shots(page, path === '/' ? 'overview' : path.slice(1).replaceAll(/\W+/g, '-'));
  });
}

test('a viewer can press nothing', async ({ page }) => {
  const who = await viewer();
  await signIn(page, who.name, who.password);
  const again = page.getByLabel('New password', { exact: true });
  await expect(page.locator('.site').first().or(again)).toBeVisible();
  if (await again.isVisible()) {
    await again.fill(`${who.password}!`);
    await page.getByLabel('New password again').fill(`${who.password}!`);
    await page.getByRole('button', { name: 'Change it' }).click();
  }
  await expect(page.locator('.site').first()).toBeVisible();
  for (const button of await page.getByRole('button', { name: /Fail over site/ }).all()) await expect(button).toHaveAttribute('aria-disabled', 'true');
  const machine = (await api('GET', '/machines?q=state:running')).items[0];
  await page.goto(`/machines/${machine.id}`);
  for (const name of ['Start', 'Stop', 'Power off', 'Reset', /Move to cloud/, /Protect/]) {
    await expect(page.getByRole('button', { name, exact: typeof name === 'string' })).toHaveAttribute('aria-disabled', 'true');
  }
  // The API refuses as well, with the session of the browser.
  const status = await page.evaluate(async id => {
    const me = await (await fetch('/api/v1/me')).json();
    const headers = { 'x-csrf-token': me.csrf, 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() };
    return (await fetch(`/api/v1/machines/${id}/power`, { method: 'POST', headers, body: '{"action":"stop"}' })).status;
  }, machine.id);
  expect(status).toBe(403);
});

test('the server renders every page whole, without any script', async ({ page, browser }) => {
  await signIn(page);
  await expect(page).not.toHaveURL(/sign-in/);
  const context = await browser.newContext({ javaScriptEnabled: false, storageState: await page.context().storageState() });
  const quiet = await context.newPage();
  await quiet.goto(`${BASE_URL}/machines`);
  await expect(quiet.getByRole('link', { name: 'db1' }).first()).toBeVisible();
  await context.close();
});

test('search errors point at the position', async ({ page }) => {
  await signIn(page);
  await expect(page).not.toHaveURL(/sign-in/);
  await page.goto('/machines?q=site:berlin%20cpu%3E%3Dmany');
  const wrong = page.getByRole('alert').first();
  await expect(wrong.locator('mark')).toHaveText('many');
  await expect(wrong).toContainText('not a number');
});

test('the palette opens with Ctrl-K and goes where it is told', async ({ page }) => {
  await signIn(page);
  await expect(page).not.toHaveURL(/sign-in/);
  await expect(page.locator('.site').first()).toBeVisible();
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('dialog')).toBeVisible();
  await accessible(page);
  await page.keyboard.type('runs');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/runs/);
});
