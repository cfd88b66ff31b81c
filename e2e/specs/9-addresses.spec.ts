// New addresses at the target: rules in the forms of a group and of a move, on a node with simulated clouds.
import type { Browser } from '@playwright/test';
import { until } from '../support/console';
import { NOBODY, SimulatedNode } from '../support/simulated';
import { accessible, expect, shots, test } from '../support/test';

const node = new SimulatedNode(18409, 40);
test.use({ baseURL: node.url, storageState: NOBODY });
test.describe.configure({ mode: 'serial' });

let group = '';
let other: any;
let subnet = '';
test.beforeAll(async ({ browser }: { browser: Browser }) => {
  await node.start();
  await node.session(browser);
  const found = (await node.api('GET', '/machines?q=cloud:berlin-1%20state:running&limit=20')).items.filter((m: any) => m.addresses.length === 1);
  const [one, two] = found;
  other = two;
  subnet = two.addresses[0].replace(/\.\d+$/, '.0/24');
  const made = await node.api('POST', '/groups', {
    name: 'shop', protected_site: 'berlin', recovery_site: 'dublin', target_cloud_id: (await cloud('dublin-1')).id,
    policy: { rpo_seconds: 15, keep_points: 3, keep_hours: 1 }, machine_ids: [one.id],
  });
  group = made.id;
});
test.afterAll(() => node.stop());

const cloud = async (name: string) => (await node.api('GET', '/clouds')).items.find((c: any) => c.name === name);

test('a group takes rules for addresses, and says what is wrong with one', async ({ page }) => {
  await node.open(page, `/protection/${group}`);
  await page.getByRole('button', { name: 'Edit', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Edit the group' });
  const rules = dialog.getByLabel('New addresses (re-IP)');
  await rules.fill('lan → lan2');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByText(/“lan → lan2” is no rule/)).toBeVisible();
  await rules.fill('10.1.0.0/24 via 10.1.0.1 → 10.2.0.0/24 via 10.9.0.1');
  await dialog.getByRole('button', { name: 'Save' }).click();
  // The node's own word, at the field.
  await expect(dialog.getByText(/The gateway 10.9.0.1 is not in 10.2.0.0\/24/).first()).toBeVisible();
  await rules.fill('10.1.0.0/24 via 10.1.0.1 → 10.2.0.0/24 via 10.2.0.1');
  await accessible(page);
  await shots(page, 'group-addresses');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByText('10.1.0.0/24 via 10.1.0.1 → 10.2.0.0/24 via 10.2.0.1')).toBeVisible();
});

test('a move says which addresses change, and the machine has them there', async ({ page }) => {
  await node.open(page, `/machines/${other.id}`);
  await page.getByRole('button', { name: /Move to cloud/ }).click();
  const dialog = page.getByRole('dialog', { name: 'Move to cloud' });
  await dialog.getByRole('radio', { name: /dublin-1/ }).check();
  await dialog.getByText('New addresses', { exact: true }).click();
  const there = other.addresses[0].replace(/^\d+\.\d+\.\d+\./, '10.99.7.');
  await dialog.getByLabel('New addresses (re-IP)').fill(`${subnet} -> 10.99.7.0/24 via 10.99.7.1`);
  await expect(dialog.getByText(`Its addresses change: ${other.addresses[0]} → ${there}`)).toBeVisible({ timeout: 20_000 });
  await accessible(page);
  await shots(page, 'move-addresses');
  await dialog.getByRole('button', { name: 'Move to cloud' }).click();
  await expect(page).toHaveURL(/\/runs\//);
  await expect(page.getByText(/Succeeded/).first()).toBeVisible({ timeout: 120_000 });
  await expect(page.getByText(`As it was to be, with ${other.addresses[0]} → ${there}`).first()).toBeVisible();
  await until('the machine has its new address', async () =>
    (await node.api('GET', `/machines?q=cloud:dublin-1%20name:${other.name}`)).items.some((m: any) => m.addresses.includes(there)), 20_000);
});
