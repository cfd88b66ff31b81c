// The screen in the NOC: no sign-in, no script needed, and it never shows old figures as new.
import { api, startNode, stopNode, BASE_URL } from '../support/console';
import { accessible, expect, shots, test } from '../support/test';
import { ready } from '../support/ready';

test.beforeAll(({ browser }) => ready(browser));

const link = async () => new URL((await api('POST', '/tokens', { name: `wall-${Date.now()}`, purpose: 'wallboard', role: 'viewer' })).link, BASE_URL).href;

test('it works without JavaScript, and its secret stays out of the address', async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(await link());
  await expect(page).toHaveURL(`${BASE_URL}/wallboard`);
  await expect(page.getByText('dublin').first()).toBeVisible();
  await context.close();
});

test('it says when the connection is lost, and comes back', async ({ page, noise }) => {
  await page.goto(await link());
  await expect(page.getByText('dublin').first()).toBeVisible();
  await accessible(page);
  await shots(page, 'wallboard');
  stopNode('SIGKILL');
  await expect(page.getByText(/connection lost, data from \d\d:\d\d:\d\d/i)).toBeVisible({ timeout: 15_000 });
  await shots(page, 'wallboard-lost');
  await startNode();
  await expect(page.getByText(/connection lost/i)).toBeHidden({ timeout: 30_000 });
  // The browser reports each try of the lost stream.
  noise.length = 0;
});

test('a revoked link shows nothing', async ({ page }) => {
  const made = await api('POST', '/tokens', { name: 'short', purpose: 'wallboard', role: 'viewer' });
  await page.goto(new URL(made.link, BASE_URL).href);
  await expect(page.getByText('dublin').first()).toBeVisible();
  await api('DELETE', `/tokens/${made.token.id}`);
  await page.goto('/wallboard');
  await expect(page.getByText('dublin')).toHaveCount(0);
});
