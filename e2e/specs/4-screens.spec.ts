// What the screens do while the world changes, what they refuse, and what they say: on a node with simulated clouds.
import type { Browser, Cookie, Page } from '@playwright/test';
import { PASSWORD, until } from '../support/console';
import { GIVEN, SimulatedNode } from '../support/simulated';
import { accessible, expect, test } from '../support/test';

const MACHINES = 60;
const node = new SimulatedNode(18401, MACHINES);
test.use({ baseURL: node.url });

async function signIn(page: Page, name: string, password: string): Promise<void> {
  await page.goto('/sign-in');
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeEnabled();
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  const fresh = page.getByLabel('New password', { exact: true });
  await expect(fresh.or(page.locator('.site').first())).toBeVisible();
  if (await fresh.isVisible()) {
    await fresh.fill(PASSWORD);
    await page.getByLabel('New password again').fill(PASSWORD);
    await page.getByRole('button', { name: 'Change it' }).click();
    await expect(page.locator('.site').first()).toBeVisible();
  }
}
// Signed in once: the node lets nobody try passwords as fast as tests would.
let cookies: Cookie[] = [];
async function admin(page: Page): Promise<void> {
  await page.context().addCookies(cookies);
  await page.goto('/');
  await expect(page.locator('.site').first()).toBeVisible();
}

async function live(page: Page): Promise<void> {
  await expect(page.locator('.connection')).toHaveText('live');
}

async function addCloud(name: string, machines: number): Promise<string> {
  const fields = { machines: String(machines), seed: '77', site: name };
  return (await node.api('POST', '/clouds', { name, kind: 'simulator', site: 'oslo', fields })).id;
}

test.beforeAll(async ({ browser }: { browser: Browser }) => {
  await node.start();
  const page = await (await browser.newContext({ baseURL: node.url })).newPage();
  await signIn(page, 'admin', node.oneTimePassword());
  cookies = await page.context().cookies();
  await page.context().close();
});
test.afterAll(() => node.stop());

test('SIMULATED stands on every screen, also where nobody has signed in', async ({ page }) => {
  await page.goto('/sign-in');
  await expect(page.locator('.simulated').first()).toBeVisible();
  await admin(page);
  for (const path of ['/', '/machines', '/activity', '/settings', '/no/such/page']) {
    await page.goto(path);
    await expect(page.locator('.simulated').first()).toBeVisible();
  }
});

test('machines come and go on the page by themselves, and no row is left empty', async ({ page }) => {
  await admin(page);
  await page.goto('/machines');
  await live(page);
  const list = page.getByRole('region', { name: 'Machines' });
  await list.evaluate(e => e.scrollTo(0, e.scrollHeight));
  await expect(page.getByText(`${MACHINES} machines`, { exact: true })).toBeVisible();
  const tiny = await addCloud('tiny', 12);
  await expect(page.getByText(`${MACHINES + 12} machines`, { exact: true })).toBeVisible();
  await list.evaluate(e => e.scrollTo(0, e.scrollHeight));
  await expect(page.locator('tr.row').last()).toHaveAttribute('aria-rowindex', String(MACHINES + 12 + 1));
  await node.api('DELETE', `/clouds/${tiny}`);
  await expect(page.getByText(`${MACHINES} machines`, { exact: true })).toBeVisible();
  await expect(page.locator('tr.row').last()).toHaveAttribute('aria-rowindex', String(MACHINES + 1));
  await expect(page.locator('tr.row', { hasText: '…' })).toHaveCount(0);
  await expect(page.getByText('tiny')).toHaveCount(0);
});

test('every row says when it was seen, though nothing about it changed', async ({ page }) => {
  await admin(page);
  await page.goto('/machines');
  await live(page);
  const opened = Date.now();
  await until('every cloud was looked at again, long after', async () => (await node.api('GET', '/clouds')).items.every((c: any) => c.observed_at > opened + 22_000));
  const ages = await page.locator('td.col-observed').allTextContents();
  expect(ages.length).toBeGreaterThan(5);
  expect(ages.filter(a => !/^\d+ s$/.test(a.trim()) || parseInt(a) > 20)).toEqual([]);
});

test('a choice outlives order and search; Shift chooses up to a row', async ({ page }) => {
  await admin(page);
  await page.goto('/machines');
  await live(page);
  const boxes = page.locator('tr.row input[type=checkbox]');
  await boxes.nth(1).click();
  await boxes.nth(5).click({ modifiers: ['Shift'] });
  const bar = page.getByRole('region', { name: 'Chosen machines' });
  await expect(bar).toContainText('5 chosen');
  await page.getByRole('link', { name: 'vCPUs' }).click();
  await expect(page).toHaveURL(/sort=vcpus/);
  await expect(bar).toContainText('5 chosen');
  await page.getByLabel('Search machines').fill('site:berlin');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/berlin/);
  await expect(bar).toContainText('5 chosen');
  await bar.getByRole('button', { name: 'Choose none' }).click();
  await page.getByRole('checkbox', { name: 'Choose all 30' }).check();
  await expect(bar).toContainText('30 chosen');
  await accessible(page);
});

test('a lifetime that is no number of days never becomes for ever', async ({ page }) => {
  await admin(page);
  await page.goto('/settings');
  await page.getByRole('button', { name: 'Make a token …' }).click();
  const dialog = page.getByRole('dialog', { name: 'Make a token' });
  await dialog.getByLabel('Name').fill('wall');
  for (const wrong of ['1.5', '-5', '99999999999', 'soon']) {
    await dialog.getByLabel('Valid for days').fill(wrong);
    await dialog.getByRole('button', { name: 'Make it' }).click();
    await expect(dialog.locator('.field-error')).toContainText('from 1 to 3650');
  }
  const tokens = await node.api('GET', '/tokens?limit=500');
  expect(tokens.items.filter((t: any) => t.name === 'wall')).toEqual([]);
  await dialog.getByLabel('Valid for days').fill('7');
  await dialog.getByRole('button', { name: 'Make it' }).click();
  await expect(dialog.locator('.secret-once')).toContainText('/wallboard/');
});

test('what is wrong in a plan stops the save, with the reason at the field', async ({ page }) => {
  const clouds = (await node.api('GET', '/clouds?limit=50')).items;
  const [from, to] = ['berlin', 'dublin'].map(site => clouds.find((c: any) => c.site === site));
  const rows = (await node.api('GET', '/machines?q=site:berlin%20state:running&limit=2')).items;
  const group = { name: 'shop', protected_site: from.site, recovery_site: to.site, target_cloud_id: to.id, machine_ids: rows.map((r: any) => r.id) };
  await node.api('POST', '/groups', group);
  await admin(page);
  await page.goto('/plans/new');
  await page.getByLabel('Name', { exact: true }).fill('Shop to dublin');
  await page.getByRole('checkbox', { name: /shop/ }).check();
  const save = page.getByRole('button', { name: 'Save the plan' });
  await expect(save).toHaveAttribute('aria-disabled', 'false');
  await page.locator('.plan-machine summary').first().click();
  const time = page.getByLabel('Give it, seconds').first();
  await time.fill('86400');
  await expect(page.locator('.field-error').first()).toContainText('from 1 to 3600');
  await expect(save).toHaveAttribute('aria-disabled', 'true');
  await expect(page.locator('.faults')).toContainText(`${rows.map((r: any) => r.name).sort()[0]}, give it, seconds`);
  await time.fill('60');
  await page.getByRole('button', { name: 'Add a script' }).click();
  await page.getByLabel('Program').fill('notify');
  const script = page.locator('.plan-row').getByLabel('Give it, seconds');
  await script.fill('');
  await expect(save).toHaveAttribute('aria-disabled', 'true');
  await script.fill('30');
  await expect(save).toHaveAttribute('aria-disabled', 'false');
  await save.click();
  await expect(page).toHaveURL(/plans\/[0-9a-f]{32}/);
});

test('a viewer sees why, wherever nothing can be pressed', async ({ page }) => {
  await node.user('vera', 'viewer');
  await signIn(page, 'vera', GIVEN);
  const cloud = (await node.api('GET', '/clouds?limit=1')).items[0];
  await page.goto(`/clouds/${cloud.id}`);
  await expect(page.getByRole('button', { name: 'Look again' })).toHaveAttribute('aria-disabled', 'true');
  await page.goto('/plans');
  await page.getByRole('link', { name: 'Shop to dublin' }).click();
  await expect(page.getByRole('button', { name: /Fail over berlin/ })).toHaveAttribute('aria-disabled', 'true');
});

test('the palette does things, and a failover asked for there is asked once', async ({ page }) => {
  await admin(page);
  await live(page);
  const dialog = page.getByRole('dialog', { name: 'Fail over berlin' });
  for (const time of ['first', 'second']) {
    await page.keyboard.press('Control+k');
    await page.keyboard.type('fail over berlin');
    await expect(page.getByRole('option', { name: /Fail over berlin/ }), time).toBeVisible();
    await page.keyboard.press('Enter');
    await expect(dialog, time).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    await expect(page).toHaveURL(`${node.url}/`);
  }
  await page.reload();
  await live(page);
  await expect(dialog).toBeHidden();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('dark');
  await page.keyboard.press('Enter');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('1');
  const options = page.getByRole('option');
  await expect(options.nth(8)).toBeAttached();
  for (let i = 0; i < 8; i++) await page.keyboard.press('ArrowDown');
  await expect(page.locator('#palette-8')).toBeInViewport();
});

async function palette(page: Page, words: string, option: RegExp): Promise<void> {
  await page.keyboard.press('Control+k');
  await page.keyboard.type(words);
  await expect(page.getByRole('option', { name: option })).toBeVisible();
  await page.keyboard.press('Enter');
}

test('what the palette asks for is asked on whatever page it leads to', async ({ page }) => {
  await admin(page);
  await live(page);
  // Some of berlin are protected by now.
  const machine = (await node.api('GET', '/machines?q=site:dublin%20state:running&limit=1')).items[0];
  const asks = [
    { words: `move ${machine.name}`, option: new RegExp(`Move ${machine.name} .*to cloud`), dialog: 'Move to cloud', path: `/machines/${machine.id}` },
    { words: `protect ${machine.name}`, option: new RegExp(`Protect ${machine.name}`), dialog: 'Protect this machine', path: `/machines/${machine.id}` },
    { words: 'fail over berlin', option: /Fail over berlin/, dialog: 'Fail over berlin', path: '/' },
  ];
  for (const { words, option, dialog, path } of asks) {
    const shown = page.getByRole('dialog', { name: dialog });
    // From a page of another kind, and once more from the page where it is asked.
    await page.getByRole('link', { name: 'Runs', exact: true }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Runs' })).toBeVisible();
    for (const from of ['from another page', 'from its own page']) {
      await palette(page, words, option);
      await expect(shown, `${dialog}, ${from}`).toBeVisible();
      expect(await shown.evaluate((d: HTMLDialogElement) => d.matches(':modal')), `${dialog}, ${from}`).toBe(true);
      await page.keyboard.press('Escape');
      await expect(shown).toBeHidden();
      await expect(page).toHaveURL(`${node.url}${path}`);
    }
    // As a link that somebody was sent, and no second time after that.
    const query = path === '/' ? '?failover=berlin' : `?do=${words.split(' ')[0]}`;
    await page.goto(`${path}${query}`);
    await expect(shown, `${dialog}, by a link`).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(page).toHaveURL(`${node.url}${path}`);
    await page.reload();
    await live(page);
    await expect(shown).toBeHidden();
  }
});

test('the palette does not ask what is refused, and says why', async ({ page }) => {
  await node.user('nina', 'viewer');
  await signIn(page, 'nina', GIVEN);
  await live(page);
  const machine = (await node.api('GET', '/machines?q=state:running&limit=1')).items[0];
  await palette(page, `move ${machine.name}`, new RegExp(`Move ${machine.name} .*to cloud`));
  await expect(page.locator('.toast')).toContainText('operator');
  await expect(page.getByRole('dialog', { name: 'Move to cloud' })).toBeHidden();
  await expect(page).toHaveURL(`${node.url}/machines/${machine.id}`);
});

test('another page takes the focus and tells its title', async ({ page }) => {
  await admin(page);
  await live(page);
  await page.getByRole('link', { name: 'Runs', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Runs' })).toBeVisible();
  await expect(page.locator('#main')).toBeFocused();
  await expect(page.locator('p.unseen[role=status]')).toHaveText('Runs');
});

test('one changes the own password at any time', async ({ page }) => {
  await node.user('otto', 'operator');
  await signIn(page, 'otto', GIVEN);
  await page.locator('.menu summary', { hasText: 'otto' }).click();
  await page.getByRole('button', { name: 'Change password …' }).click();
  const dialog = page.getByRole('dialog', { name: 'Change your password' });
  await dialog.getByLabel('Present password').fill('not this one at all');
  await dialog.getByLabel('New password', { exact: true }).fill('a longer walk by the sea');
  await dialog.getByLabel('New password again').fill('a longer walk by the sea');
  await dialog.getByRole('button', { name: 'Change it' }).click();
  await expect(dialog.getByRole('alert')).toBeVisible();
  await dialog.getByLabel('Present password').fill(PASSWORD);
  await dialog.getByRole('button', { name: 'Change it' }).click();
  await expect(dialog).toBeHidden();
  // The session goes on with its new protection against foreign forms.
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL(url => url.pathname === '/sign-in');
  await signIn(page, 'otto', 'a longer walk by the sea');
});

test('without a clipboard the text is marked, and nothing else is said', async ({ page }) => {
  await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await admin(page);
  const machine = (await node.api('GET', '/machines?limit=1')).items[0];
  await page.goto(`/machines/${machine.id}`);
  await live(page);
  await page.getByRole('button', { name: 'Copy as command' }).click();
  const dialog = page.getByRole('dialog', { name: 'The same as a command' });
  await expect(dialog).toContainText('press Ctrl-C');
  expect(await page.evaluate(() => String(getSelection()))).toContain('curl -fsS');
  await expect(page.locator('.toast')).toHaveCount(0);
});

test('what cannot be taken back asks first', async ({ page }) => {
  await node.user('karl', 'operator');
  await node.api('POST', '/tokens', { name: 'desk', purpose: 'wallboard' });
  await admin(page);
  await page.goto('/settings');
  await live(page);
  const karl = page.getByRole('row', { name: /karl/ });
  await karl.getByRole('button', { name: 'Disable …' }).click();
  await page.getByRole('dialog', { name: 'Disable karl?' }).getByRole('button', { name: 'Cancel' }).click();
  await expect(karl).toContainText('Active');
  await karl.getByRole('button', { name: 'Disable …' }).click();
  await page.getByRole('dialog', { name: 'Disable karl?' }).getByRole('button', { name: 'Disable', exact: true }).click();
  await expect(karl).toContainText('Disabled');
  const desk = page.getByRole('row', { name: /desk/ });
  await desk.getByRole('button', { name: 'Revoke …' }).click();
  await page.getByRole('dialog', { name: 'Revoke desk?' }).getByRole('button', { name: 'Revoke it' }).click();
  await expect(desk).toContainText('Revoked');
});

test('a move is in the activity of its machine, by name and with a way to its run', async ({ page }) => {
  const row = (await node.api('GET', '/machines?q=site:dublin%20state:stopped&limit=1')).items[0];
  const target = (await node.api('GET', '/clouds?limit=50')).items.find((c: any) => c.site === 'berlin');
  const run = await node.api('POST', '/moves', { machine_id: row.id, target_cloud_id: target.id, mode: 'cold', health: { type: 'running' }, stop_timeout_seconds: 60, keep_source_hours: 1 });
  await admin(page);
  await page.goto(`/machines/${row.id}`);
  await expect(page.getByRole('region', { name: 'Activity' })).toContainText('run.start');
  await page.goto(`/activity?actor=${encodeURIComponent('token:bootstrap')}`);
  await expect(page.getByRole('link', { name: run.title })).toHaveAttribute('href', `/runs/${run.id}`);
  await page.getByLabel('By', { exact: true }).fill('nobody');
  await page.getByRole('button', { name: 'Filter' }).click();
  await expect(page.getByText('Nothing fits this filter')).toBeVisible();
  await until('the run is over', async () => /succeeded|failed/.test((await node.api('GET', `/runs/${run.id}`)).state));
});
