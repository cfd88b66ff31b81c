// The main job, told once from the start to the end, on real machines: sign in, connect clouds, protect, move,
// lose a site, fail it over, bring it back.
import { api, until } from '../support/console';
import { breakLockAndStart, guest, lab, address, LAB_ID, MACHINES, SERVICE_ADDRESS, type GuestStatus } from '../support/lab';
import { addDublin, changePassword, env, fields, plain, selfSigned } from '../support/ready';
import { accessible, expect, oneTimePassword, shots, signIn, test } from '../support/test';

test.describe.configure({ mode: 'serial' });

let before: GuestStatus;

async function machine(name: string, site?: string) {
  const query = encodeURIComponent(`name:${name}${site ? ` site:${site}` : ''}`);
  return (await api('GET', `/machines?q=${query}`)).items[0];
}

test('an administrator signs in with the one-time password and replaces it', async ({ page }) => {
  await page.goto('/machines');
  await expect(page).toHaveURL(/sign-in/);
  await accessible(page);
  await signIn(page, 'admin', 'wrong password');
  await expect(page.getByRole('alert')).toBeVisible();
  await signIn(page, 'admin', oneTimePassword());
  await changePassword(page);
});

test('a cloud is added: wrong host, then wrong credentials, then the right ones', async ({ page }) => {
  await signIn(page);
  await expect(page).not.toHaveURL(/sign-in/);
  await page.goto('/clouds/add');
  await page.getByRole('radio', { name: /libvirt/ }).check();
  const good = fields(plain(env.CF_BERLIN_URI));
  await page.locator('[name=name]').fill('berlin-kvm');
  await page.locator('[name=site]').fill('berlin');
  await page.locator('[name=uri]').fill(`qemu+tls://172.31.${LAB_ID}.99/system`);
  for (const key of ['ca', 'cert', 'key'] as const) await page.locator(`[name=${key}]`).fill(good[key]);
  await page.getByRole('button', { name: 'Probe' }).click();
  await expect(page.getByText(`172.31.${LAB_ID}.99`).first()).toBeVisible({ timeout: 40_000 });
  await expect(page.getByRole('button', { name: 'Add cloud' })).toHaveAttribute('aria-disabled', 'true');
  // A certificate of a stranger: the host is right, we are not who we should be.
  const stranger = selfSigned();
  await page.locator('[name=uri]').fill(good.uri);
  for (const key of ['cert', 'key'] as const) await page.locator(`[name=${key}]`).fill(stranger[key]);
  await page.getByRole('button', { name: 'Probe' }).click();
  await expect(page.getByText('It cannot be used like this')).toBeVisible({ timeout: 40_000 });
  await expect(page.getByRole('status').getByText(/certificate/i).first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Add cloud' })).toHaveAttribute('aria-disabled', 'true');
  for (const key of ['cert', 'key'] as const) await page.locator(`[name=${key}]`).fill(good[key]);
  await page.getByRole('button', { name: 'Probe' }).click();
  const accept = page.getByRole('checkbox', { name: /compared/ });
  await accept.check({ timeout: 40_000 });
  await accessible(page);
  await page.getByRole('button', { name: 'Add cloud' }).click();
  await expect(page).toHaveURL(/clouds\/[0-9a-f]{8}/);
  await addDublin();
});

test('the machines are protected; the lag is shown live', async ({ page }) => {
  const clouds = (await api('GET', '/clouds')).items;
  const dublin = clouds.find((c: any) => c.name === 'dublin-kvm').id;
  const machines = (await api('GET', '/machines?q=site:berlin')).items;
  const group = await api('POST', '/groups', {
    name: 'shop', protected_site: 'berlin', recovery_site: 'dublin', target_cloud_id: dublin,
    policy: { rpo_seconds: 30, keep_points: 6, keep_hours: 24 }, machine_ids: machines.map((m: any) => m.id),
  });
  const id = (name: string) => group.members.find((m: any) => m.name === name).id;
  await api('POST', '/plans', {
    name: 'shop', group_ids: [group.id],
    machines: Object.keys(MACHINES).map(name => ({
      member_id: id(name), priority: name.startsWith('db') ? 1 : name.startsWith('app') ? 2 : 3,
      health: { type: 'http', path: '/status' }, health_timeout_seconds: 180,
    })),
    service_addresses: [{ address: SERVICE_ADDRESS, member_id: id('web1'), mechanism: 'garp', probe: { type: 'http', path: '/status' } }],
  });
  await until('all six have a recovery point', async () => (await api('GET', `/groups/${group.id}`)).members.every((m: any) => m.replication.newest_point_at), 120_000);
  // Its autostart was taken away, and that is what the host says.
  expect(lab('virsh', 'berlin', 'dominfo', 'db1')).toMatch(/Autostart:\s+disable/);
  await signIn(page);
  await page.goto(`/protection/${group.id}`);
  await expect(page.getByText('db1').first()).toBeVisible();
  await accessible(page);
  await shots(page, 'protection');
});

test('one machine is moved and loses nothing', async ({ page }) => {
  const row = await machine('db2');
  before = await guest(address(MACHINES.db2));
  await signIn(page);
  await page.goto(`/machines/${row.id}`);
  await accessible(page);
  await page.getByRole('button', { name: /Move to cloud/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('radio', { name: /dublin-kvm/ }).check();
  await accessible(page);
  await dialog.getByRole('button', { name: 'Move to cloud' }).click({ timeout: 60_000 });
  await expect(page).toHaveURL(/runs\//, { timeout: 30_000 });
  const run = page.url().split('/').pop();
  await until('the move has ended', async () => (await api('GET', `/runs/${run}`)).finished_at, 180_000);
  const done = await api('GET', `/runs/${run}`);
  expect(done.state, JSON.stringify(done.message)).toBe('succeeded');
  await until('it answers at dublin', async () => (await guest(address(MACHINES.db2))).counter > 0);
  const after = await guest(address(MACHINES.db2));
  expect(after.boot_id).not.toBe(before.boot_id);
  expect(after.counter_at_boot).toBeGreaterThanOrEqual(before.counter);
  expect(lab('virsh', 'berlin', 'domstate', 'db2').trim()).toBe('shut off');
  // Locked: the hypervisor itself refuses.
  expect(() => lab('virsh', 'berlin', 'start', 'db2')).toThrow();
  await expect(page.getByText('Succeeded').first()).toBeVisible();
  await accessible(page);
  await shots(page, 'run-move');
});

let seen: Record<string, GuestStatus> = {};

test('the site is lost: the overview turns red within 10 s', async ({ page }) => {
  await signIn(page);
  await expect(page.locator('.site', { hasText: 'berlin' })).toHaveAttribute('data-status', 'ok');
  await until('no machine lags behind', async () => (await api('GET', '/overview')).totals.in_breach === 0, 120_000);
  for (const name of ['db1', 'app1', 'app2', 'web1', 'web2']) seen[name] = await guest(address(MACHINES[name]));
  lab('kill', 'berlin');
  await expect(page.locator('.site', { hasText: 'berlin' })).toHaveAttribute('data-status', 'down', { timeout: 10_000 });
  // What ran there is not said to be up, nor to be down.
  await expect(page.locator('.site', { hasText: 'berlin' }).getByText('Not seen now')).toBeVisible();
  const { totals } = (await api('GET', '/overview')).sites.find((s: any) => s.name === 'berlin');
  expect([totals.running, totals.unseen]).toEqual([0, 5]);
  await accessible(page);
  await shots(page, 'overview-down');
});

test('the site is failed over by one button', async ({ page }) => {
  await signIn(page);
  await page.locator('.site', { hasText: 'berlin' }).getByRole('button', { name: /Fail over site/ }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText('The site does not answer')).toBeVisible();
  const radius = await api('GET', '/sites/berlin/failover');
  expect(radius.machines).toHaveLength(5);
  expect(radius.statement).toBeTruthy();
  await dialog.locator('[name=failover-confirm]').fill('berlin');
  await dialog.locator('[name=failover-statement]').fill(radius.statement);
  await accessible(page);
  await shots(page, 'failover-dialog');
  await dialog.getByRole('button', { name: 'Fail over berlin' }).click();
  await expect(page).toHaveURL(/runs\//, { timeout: 30_000 });
  const run = page.url().split('/').pop();
  await until('the failover has ended', async () => (await api('GET', `/runs/${run}`)).finished_at, 180_000);
  const done = await api('GET', `/runs/${run}`);
  expect(done.state, JSON.stringify([done.message, done.steps.filter((s: any) => s.state !== 'succeeded')])).toBe('succeeded');
  expect(done.outcome.rta_ms).toBeGreaterThan(0);
  expect(done.outcome.rpa_ms).toBeGreaterThanOrEqual(0);
  for (const [name, last] of Object.entries(seen)) {
    const now = await guest(address(MACHINES[name]));
    expect(now.boot_id).not.toBe(last.boot_id);
    expect(now.counter_at_boot).toBeGreaterThan(0);
  }
  expect((await guest(SERVICE_ADDRESS)).host).toBe('web1');
  await page.reload();
  await expect(page.getByText(/RTO/i).first()).toBeVisible();
  await accessible(page);
  await shots(page, 'run-failover');
  // Nothing flows from dublin yet: nobody may take that for protection.
  await page.goto('/protection');
  await expect(page.getByText('recovered, not protected now')).toBeVisible();
});

test('the lost site returns: its copies stay down; one that is started by hand is a split brain', async ({ page }) => {
  lab('return', 'berlin');
  await until('berlin answers again', async () => (await api('GET', '/clouds')).items.find((c: any) => c.name === 'berlin-kvm').status === 'ok', 60_000);
  await until('the old copies are seen', async () => (await api('GET', '/machines?q=site:berlin')).items.every((m: any) => m.role === 'superseded'));
  expect(lab('virsh', 'berlin', 'list', '--name').trim()).toBe('');
  const old = await machine('app1', 'berlin');
  // Locked: the hypervisor itself refuses, and says where the machine is now.
  await until('the old copies are locked', async () => (await api('GET', `/machines/${old.id}`)).locked, 30_000);
  expect((await api('GET', `/machines/${old.id}`)).locked).toContain('dublin');
  expect(() => lab('virsh', 'berlin', 'start', 'app1')).toThrow();
  // Written once the lock was read back: the host's own event may be quicker.
  await until('the lock is in the audit trail', async () => (await api('GET', '/audit?limit=200')).items.some((e: any) => e.action === 'machine.lock' && e.subject === 'app1'));
  await expect(api('POST', `/machines/${old.id}/power`, { action: 'start' })).rejects.toThrow(/409|superseded/i);
  await signIn(page);
  await page.goto('/');
  // A stubborn administrator breaks the lock. A stopped copy is locked again within seconds: breaking and starting is a race.
  await until('the old copy runs', async () => breakLockAndStart('berlin', 'app1'), 30_000);
  await expect(page.getByText(/split brain/i).first()).toBeVisible({ timeout: 10_000 });
  await shots(page, 'split-brain');
  lab('virsh', 'berlin', 'destroy', 'app1');
  await until('the alarm is over', async () => !(await api('GET', '/alarms')).items.some((a: any) => a.kind === 'split_brain'), 30_000);
});
