// A group with a second target: added by its form, chosen when the site is failed over, on a node with simulated clouds.
import type { Browser } from '@playwright/test';
import { until } from '../support/console';
import { NOBODY, SimulatedNode } from '../support/simulated';
import { accessible, expect, shots, test } from '../support/test';

const node = new SimulatedNode(18408, 40);
test.use({ baseURL: node.url, storageState: NOBODY });
test.describe.configure({ mode: 'serial' });

let group = '';
test.beforeAll(async ({ browser }: { browser: Browser }) => {
  await node.start();
  await node.session(browser);
  const machines = (await node.api('GET', '/machines?q=cloud:berlin-1%20state:running&limit=3')).items.map((m: any) => m.id);
  const made = await node.api('POST', '/groups', {
    name: 'shop', protected_site: 'berlin', recovery_site: 'dublin', target_cloud_id: (await cloud('dublin-1')).id,
    policy: { rpo_seconds: 15, keep_points: 3, keep_hours: 1 }, machine_ids: machines,
  });
  group = made.id;
  await node.api('POST', '/plans', { name: 'shop', group_ids: [group] });
});
test.afterAll(() => node.stop());

const cloud = async (name: string) => (await node.api('GET', '/clouds')).items.find((c: any) => c.name === name);
const shown = () => node.api('GET', `/groups/${group}`);

test('one more target is added by its form, with a policy of its own', async ({ page }) => {
  await node.open(page, `/protection/${group}`);
  await page.getByRole('button', { name: 'Add a target' }).click();
  const dialog = page.getByRole('dialog', { name: 'Replicate to one more cloud' });
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByText(/Choose the cloud/)).toBeVisible();
  const choice = dialog.getByLabel('Recovery cloud');
  await expect(choice.locator('option', { hasText: 'dublin-1' })).toHaveCount(0);
  await expect(choice.locator('option', { hasText: /berlin-2.*lost together/ })).toBeDisabled();
  await choice.selectOption((await cloud('dublin-2')).id);
  await dialog.getByLabel('Objective (RPO)').fill('90000');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByText(/90000.*does not fit/)).toBeVisible();
  await dialog.getByLabel('Objective (RPO)').fill('45');
  await accessible(page);
  await shots(page, 'target-form');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toBeHidden();
  const section = page.getByRole('region', { name: /Also replicated to dublin-2/ });
  await expect(section.getByText(/^Objective 45 s, at most/)).toBeVisible();
  await expect(section.locator('tbody tr')).toHaveCount(3);
  // Live, without a reload.
  await expect(section.getByText('Replicating')).toHaveCount(3, { timeout: 30_000 });
  await accessible(page);
  await shots(page, 'group-targets');
});

test('a failover asks where the group comes up, and that is where it does', async ({ page }) => {
  await node.open(page, '/');
  await page.locator('.site', { hasText: 'berlin' }).getByRole('button', { name: /Fail over site/ }).click();
  const dialog = page.getByRole('dialog', { name: 'Fail over berlin' });
  const choice = dialog.getByLabel(/^shop \(3 machines/);
  await expect(choice).toHaveValue((await cloud('dublin-1')).id);
  await expect(choice.locator('option')).toContainText([/dublin-1 at dublin, main target: .* free, points .* old/, /dublin-2 at dublin: /]);
  const places = dialog.locator('tbody tr td:nth-of-type(5)');
  await expect(places).toHaveText(['dublin-1', 'dublin-1', 'dublin-1']);
  await choice.selectOption((await cloud('dublin-2')).id);
  await expect(places).toHaveText(['dublin-2', 'dublin-2', 'dublin-2']);
  await accessible(page);
  await shots(page, 'failover-targets');
  await dialog.getByRole('button', { name: 'Spread over the targets' }).click();
  await expect(places).toHaveText(['dublin-1', 'dublin-1', 'dublin-1']);
  await choice.selectOption((await cloud('dublin-2')).id);
  await expect(places).toHaveText(['dublin-2', 'dublin-2', 'dublin-2']);
  await dialog.getByLabel(/to confirm/).fill('berlin');
  await dialog.getByRole('button', { name: 'Fail over berlin' }).click();
  await expect(page).toHaveURL(/runs\//);
  const run = page.url().split('/').pop();
  await until('the run has ended', async () => (await node.api('GET', `/runs/${run}`)).finished_at);
  const done = await node.api('GET', `/runs/${run}`);
  expect(done.state, JSON.stringify(done.steps.filter((s: any) => s.state !== 'succeeded'))).toBe('succeeded');
  const { items } = await node.api('GET', '/machines?q=cloud:dublin-2%20state:running&limit=50');
  const after = await shown();
  for (const member of after.members) expect(items.map((m: any) => m.id)).toContain(member.machine_id);
  expect([after.protected_site, after.recovery_site, after.further.map((t: any) => t.cloud)]).toEqual(['dublin', 'berlin', ['dublin-1']]);
});

test('a target is removed after a question', async ({ page }) => {
  await node.open(page, `/protection/${group}`);
  const section = page.getByRole('region', { name: /Also replicated to dublin-1/ });
  await section.getByRole('button', { name: 'Remove' }).click();
  const dialog = page.getByRole('dialog', { name: /Replicate no more to dublin-1/ });
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await expect(section).toHaveCount(0);
  expect((await shown()).further).toEqual([]);
});

test('a machine that failed is recovered at the target that is chosen', async ({ page }) => {
  const { items } = await node.api('GET', '/machines?q=cloud:berlin-1%20state:running&limit=50');
  const machine = items.find((m: any) => !m.protection && !m.run_id);
  const berlin = await cloud('berlin-1');
  const [near, far] = [await cloud('dublin-1'), await cloud('dublin-2')];
  const policy = { rpo_seconds: 15, keep_points: 3, keep_hours: 1 };
  const single = await node.api('POST', '/groups', {
    name: 'single', protected_site: 'berlin', recovery_site: 'dublin', target_cloud_id: near.id, policy, machine_ids: [machine.id],
  });
  await node.api('POST', `/groups/${single.id}/targets`, { cloud_id: far.id, policy });
  const points = async () => {
    const seen = await node.api('GET', `/groups/${single.id}`);
    return [...seen.members, ...seen.further[0].members].every((m: any) => m.replication.newest_point_at);
  };
  await until('a point at each', points);
  await node.api('PUT', `/clouds/${berlin.id}`, { name: berlin.name, kind: 'simulator', site: 'berlin', fields: { ...berlin.fields, fault: 'down' } });
  await node.open(page, `/machines/${machine.id}`);
  const button = page.getByRole('button', { name: /Recover elsewhere/ });
  await expect(button).toHaveAttribute('aria-disabled', 'false', { timeout: 30_000 });
  await button.click();
  const dialog = page.getByRole('dialog', { name: 'Recover elsewhere' });
  await expect(dialog.getByRole('radio')).toHaveCount(2);
  const choice = dialog.getByRole('radio', { name: /Recover it at dublin-2/ });
  await choice.check();
  await expect(choice).toBeChecked();
  await expect(dialog.getByText(/Its recovery point there is .* old/)).toHaveCount(2);
  await accessible(page);
  await shots(page, 'recover-targets');
  await dialog.getByLabel('The statement, word for word').fill('I have made sure that berlin is powered off');
  await dialog.getByLabel(/to confirm/).fill(machine.name);
  await dialog.getByRole('button', { name: 'Recover elsewhere' }).click();
  await expect(page).toHaveURL(/runs\//);
  const run = page.url().split('/').pop();
  await until('the run has ended', async () => (await node.api('GET', `/runs/${run}`)).finished_at);
  expect((await node.api('GET', `/runs/${run}`)).state).toBe('succeeded');
  const there = (await node.api('GET', '/machines?q=cloud:dublin-2%20state:running&limit=50')).items;
  expect(there.map((m: any) => m.name)).toContain(machine.name);
});
