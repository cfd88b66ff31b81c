// Where can it run, what that costs, and recovering what failed: on a node with simulated clouds.
import type { Browser } from '@playwright/test';
import { until } from '../support/console';
import { NOBODY, SimulatedNode } from '../support/simulated';
import { accessible, expect, shots, test } from '../support/test';

const node = new SimulatedNode(18406, 40);
test.use({ baseURL: node.url });

test.beforeAll(async ({ browser }: { browser: Browser }) => {
  await node.start();
  await node.session(browser);
});
test.afterAll(() => node.stop());

const clouds = async () => (await node.api('GET', '/clouds')).items;
const cloud = async (name: string) => (await clouds()).find((c: any) => c.name === name);
async function running(cloudName: string): Promise<any> {
  const { items } = await node.api('GET', `/machines?q=cloud:${cloudName}%20state:running&limit=50`);
  return items.find((m: any) => !m.protection && !m.run_id);
}
async function fault(name: string, kind: string): Promise<void> {
  const { id, site, fields } = await cloud(name);
  await node.api('PUT', `/clouds/${id}`, { name, kind: 'simulator', site, fields: { ...fields, fault: kind } });
}

test.use({ storageState: NOBODY });

test('prices are entered on the page of a cloud, and what is wrong is named', async ({ page }) => {
  await node.open(page, `/clouds/${(await cloud('dublin-1')).id}`);
  const card = page.getByRole('region', { name: 'Prices' });
  await expect(card.getByText('Not priced')).toBeVisible();
  await card.getByRole('button', { name: 'Edit …' }).click();
  const dialog = page.getByRole('dialog', { name: 'Prices of this cloud' });
  await dialog.getByLabel('Currency').fill('EUR');
  await dialog.getByLabel('vCPU, a month').fill('8,50');
  await dialog.getByLabel('GiB of memory, a month').fill('4');
  await dialog.getByLabel('GiB of storage, a month').fill('0.06');
  await dialog.getByLabel('GiB that leaves').fill('0.01');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByText("'8,50' is no price")).toBeVisible();
  await accessible(page);
  await dialog.getByLabel('vCPU, a month').fill('8.50');
  await dialog.getByLabel('Flavours').fill('m1.small 1 2048 9.50\nm1.huge 64 1048576 900');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toBeHidden();
  await expect(card.getByText('8.5 EUR')).toBeVisible();
  await expect(card.getByText('m1.small: 1 vCPU, 2048 MiB: 9.5 EUR')).toBeVisible();
  await accessible(page);
  await shots(page, 'where-prices');
});

test('a machine is told where it can run, the best first, and a silent cloud says so', async ({ page }) => {
  await fault('berlin-2', 'down');
  await until('it does not answer', async () => (await cloud('berlin-2')).status === 'unreachable');
  const machine = await running('berlin-1');
  await node.open(page, `/machines/${machine.id}`);
  const card = page.getByRole('region', { name: 'Where can it run' }).first();
  await card.getByRole('button', { name: 'Ask all clouds' }).click();
  await expect(card.getByText(/dublin-1 comes first: nothing stands against it/)).toBeVisible();
  const rows = card.locator('tbody tr');
  await expect(rows).toHaveCount(3);
  await expect(rows.nth(0)).toContainText(/dublin-1.*Can run it.*warm, cold.*not known yet.*EUR/s);
  await expect(rows.nth(2)).toContainText(/berlin-2.*Not known now.*last seen/s);
  await expect(card.getByText('It does not answer.').first()).toBeVisible();
  await accessible(page);
  await shots(page, 'where-machine');
});

test('the dialog of a move lists the best cloud first, and of the others why', async ({ page }) => {
  const machine = await running('berlin-1');
  await node.open(page, `/machines/${machine.id}`);
  await page.getByRole('button', { name: /Move to cloud/ }).click();
  const dialog = page.getByRole('dialog', { name: 'Move to cloud' });
  await expect(dialog.getByText(/dublin-1 comes first/)).toBeVisible();
  const choices = dialog.locator('.targets .choice');
  await expect(choices.nth(0)).toContainText(/dublin-1 at dublin.*Can run it.*to send.*a month/s);
  await expect(dialog.getByRole('radio', { name: /berlin-2/ })).toBeDisabled();
  await accessible(page);
  await shots(page, 'where-move');
  await dialog.getByRole('radio', { name: /dublin-1/ }).check();
  await dialog.getByRole('button', { name: 'Move to cloud' }).click();
  await expect(page).toHaveURL(/runs\//);
  const run = page.url().split('/').pop();
  await until('the move has ended', async () => (await node.api('GET', `/runs/${run}`)).finished_at);
  expect((await node.api('GET', `/runs/${run}`)).state).toBe('succeeded');
});

test('a group is told where all of it can run, and who is in the way', async ({ page }) => {
  const machine = await running('berlin-1');
  const group = await node.api('POST', '/groups', {
    name: 'shop', protected_site: 'berlin', recovery_site: 'dublin', target_cloud_id: (await cloud('dublin-1')).id,
    policy: { rpo_seconds: 30, keep_points: 3, keep_hours: 1 }, machine_ids: [machine.id],
  });
  await until('it has a recovery point', async () => (await node.api('GET', `/groups/${group.id}`)).members[0].replication.newest_point_at);
  await node.open(page, `/protection/${group.id}`);
  const card = page.getByRole('region', { name: 'Where can it run' }).first();
  await card.getByRole('button', { name: 'Ask all clouds' }).click();
  await expect(card.getByText(/dublin-1 comes first/)).toBeVisible();
  await expect(card.locator('tbody tr').filter({ hasText: 'dublin-2' })).toContainText('1 of 1');
  await expect(card.getByText('It is protected to another cloud.')).toBeVisible();
  await accessible(page);
  await shots(page, 'where-group');
});

test('a machine whose cloud is gone is recovered elsewhere, after the statement was typed', async ({ page }) => {
  const [{ members }] = (await node.api('GET', '/groups')).items;
  const id = members[0].machine_id;
  await node.open(page, `/machines/${id}`);
  await expect(page.getByRole('button', { name: /Recover elsewhere/ })).toHaveCount(0);
  await fault('berlin-1', 'down');
  const button = page.getByRole('button', { name: /Recover elsewhere/ });
  await expect(button).toHaveAttribute('aria-disabled', 'false', { timeout: 30_000 });
  await button.click();
  const dialog = page.getByRole('dialog', { name: 'Recover elsewhere' });
  await expect(dialog.getByText('berlin-1 does not answer.')).toBeVisible();
  await expect(dialog.getByText(/dublin-1 comes first/)).toBeVisible();
  await expect(dialog.getByText(/are made into a machine only there/).first()).toBeVisible();
  const press = dialog.getByRole('button', { name: 'Recover elsewhere' });
  await expect(press).toHaveAttribute('aria-disabled', 'true');
  await accessible(page);
  await shots(page, 'where-recover');
  await dialog.getByLabel('The statement, word for word').fill('I have made sure that berlin is powered off');
  await dialog.getByLabel(/to confirm/).fill(members[0].name);
  await press.click();
  await expect(page).toHaveURL(/runs\//);
  const run = page.url().split('/').pop();
  await until('the run has ended', async () => (await node.api('GET', `/runs/${run}`)).finished_at);
  const done = await node.api('GET', `/runs/${run}`);
  expect([done.state, done.statement]).toEqual(['succeeded', 'I have made sure that berlin is powered off']);
  await expect(page.getByText('Succeeded').first()).toBeVisible();
});
