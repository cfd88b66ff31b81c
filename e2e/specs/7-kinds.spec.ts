// Clouds of other kinds than the sites' own: each is added by its form, asked what it would take, and a machine goes to it by
// its button. The vCenters and the AWS of the lab are simulators, where no guest runs; its OpenStack is a real one. Last, a
// machine that crashed comes up elsewhere.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Page } from '@playwright/test';
import { moto, openstack, Simulator, vsphere } from '../support/beside';
import { api } from '../support/console';
import { diskDigest, digest, firmwareMachine } from '../support/firmware';
import { address, exported, guest, lab, type GuestStatus } from '../support/lab';
import { chooseTarget, machineAt, openMachine, runsOnlyAt, runsToTheEnd } from '../support/moving';
import { ready } from '../support/ready';
import { accessible, expect, shots, signIn, test } from '../support/test';

const vcenters = new Simulator(vsphere);
const aws = new Simulator(moto);
const cumulus = openstack('pid').trim() !== '';
const NO_OPENSTACK = 'there is no OpenStack beside the sites: e2e/lab/openstack up, and CROSSFADE_E2E_STANDING=1';

test.beforeAll(async ({ browser }) => {
  vcenters.up();
  aws.up();
  await ready(browser);
});
test.afterAll(() => {
  vcenters.down();
  aws.down();
});

const cloud = async (name: string) => (await api('GET', '/clouds')).items.find((c: any) => c.name === name);
const report = (page: Page) => page.getByRole('status', { name: 'What the probe found' });
const field = (page: Page, label: string) => page.locator('.field', { has: page.getByLabel(label, { exact: true }) });

async function openForm(page: Page, kind: RegExp, name: string, site: string): Promise<void> {
  await signIn(page);
  await page.goto('/clouds/add');
  await page.getByRole('radio', { name: kind }).check();
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Site', { exact: true }).fill(site);
}

/** Pressed without waiting for how it ends. */
const probe = (page: Page) => page.getByRole('button', { name: 'Probe' }).click();

async function refused(page: Page, subject: string, why: RegExp): Promise<void> {
  await expect(report(page).getByText('It cannot be used like this')).toBeVisible({ timeout: 40_000 });
  const problem = report(page).locator('.problem').filter({ hasText: subject });
  await expect(problem).toContainText(why);
  await expect(page.getByRole('button', { name: 'Add cloud' })).toHaveAttribute('aria-disabled', 'true');
}

/** Saves what the probe found good; the cloud's page says that it answers. */
async function add(page: Page, name: string): Promise<any> {
  await expect(report(page).getByText('It answers and can be used')).toBeVisible({ timeout: 40_000 });
  await accessible(page);
  await shots(page, `kinds-add-${name}`, page.locator('.form-foot'));
  await page.getByRole('button', { name: 'Add cloud' }).click();
  await expect(page).toHaveURL(/clouds\/[0-9a-f]{8}/);
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
  await expect(page.getByRole('region', { name: 'State' }).getByText('Answers')).toBeVisible();
  return cloud(name);
}

/** A machine of the lab as it is: it boots a kernel of its host, and answers. */
async function kernelMachine(name: string, last: number): Promise<void> {
  if (!(await machineAt(name, 'berlin'))) lab('machine', name, 'berlin', `ip=${last}`, 'size=128M');
  lab('wait', name);
}

test.describe.serial('clouds of other kinds', () => {
  test('a vCenter is added: a certificate to compare, a wrong password, then the right one', async ({ page }) => {
    test.skip(!vcenters.present, 'the simulator of vSphere is not installed: e2e/lab/vsphere install');
    const env = exported(vsphere('env'));
    const shown = new X509Certificate(readFileSync(`${dirname(env.CF_VSPHERE_CA)}/cert.pem`)).fingerprint256.replaceAll(':', '').toLowerCase();
    await openForm(page, /vSphere/, 'vienna-vc', 'vienna');
    await page.getByLabel('Address', { exact: true }).fill(env.CF_VIENNA_URL);
    await page.getByLabel('User', { exact: true }).fill(env.CF_VSPHERE_USER);
    await page.getByLabel('Password', { exact: true }).fill('not the password');
    await probe(page);
    await refused(page, 'certificate', /Compare the fingerprint with the server's own/);
    await expect(report(page).locator('.fingerprint')).toHaveText(shown);
    await report(page).getByRole('checkbox', { name: /I compared it: pin it/ }).check();
    await probe(page);
    await refused(page, 'credentials', /user or password is wrong/);
    await shots(page, 'kinds-wrong-password', page.locator('.form-foot'));
    await page.getByLabel('Password', { exact: true }).fill(env.CF_VSPHERE_PASSWORD);
    await probe(page);
    await expect(report(page)).toContainText(`Connected as${env.CF_VSPHERE_USER}`, { timeout: 40_000 });
    await expect(report(page).getByRole('checkbox', { name: /I compared it: pin it/ })).toBeChecked();
    const added = await add(page, 'vienna-vc');
    expect([added.kind, added.status, added.fingerprint]).toEqual(['vsphere', 'ok', shown]);
    await expect(page.getByRole('region', { name: 'State' }).locator('.fingerprint')).toHaveText(shown);
  });

  test('a region of EC2 is added: unencrypted, a wrong key, then the right one', async ({ page }) => {
    test.skip(!aws.present, 'moto is not installed: e2e/lab/moto install');
    const env = exported(moto('env'));
    await openForm(page, /EC2/, 'oslo-aws', 'oslo');
    await page.getByLabel('Region', { exact: true }).fill(env.CF_AWS_OSLO);
    await page.getByLabel('Access key', { exact: true }).fill('AKIASOMEBODYELSES000');
    await page.getByLabel('Secret key', { exact: true }).fill(env.CF_AWS_SECRET_KEY);
    await page.getByLabel('Address', { exact: true }).fill(env.CF_AWS_URL);
    await probe(page);
    await expect(field(page, 'Address').locator('.field-error')).toHaveText(/http sends the disks in clear text/);
    await page.getByRole('checkbox', { name: 'Allow unencrypted connections' }).check();
    await probe(page);
    await refused(page, 'credentials', /The security token included in the request is invalid/);
    await expect(field(page, 'Address').locator('.field-error')).toHaveCount(0);
    await page.getByLabel('Access key', { exact: true }).fill(env.CF_AWS_ACCESS_KEY);
    await probe(page);
    await expect(report(page)).toContainText('Connected asarn:aws:', { timeout: 40_000 });
    const added = await add(page, 'oslo-aws');
    expect([added.kind, added.status, added.fields.endpoint]).toEqual(['ec2', 'ok', env.CF_AWS_URL]);
    expect(JSON.stringify(added)).not.toContain(env.CF_AWS_SECRET_KEY);
  });

  test('an OpenStack is added: a wrong secret, then the right one', async ({ page }) => {
    test.skip(!cumulus, NO_OPENSTACK);
    const env = exported(openstack('env'));
    await openForm(page, /OpenStack/, 'cumulus-nova', 'cumulus');
    await page.getByLabel('Keystone', { exact: true }).fill(env.CF_CUMULUS_URL);
    await page.getByLabel('Application credential', { exact: true }).fill(env.CF_CUMULUS_CREDENTIAL_ID);
    await page.getByLabel('Secret of the application credential', { exact: true }).fill('not the secret');
    await page.getByRole('checkbox', { name: 'Allow unencrypted connections' }).check();
    await probe(page);
    await refused(page, 'credentials', /./);
    await page.getByLabel('Secret of the application credential', { exact: true }).fill(env.CF_CUMULUS_CREDENTIAL_SECRET);
    await probe(page);
    const added = await add(page, 'cumulus-nova');
    expect([added.kind, added.status]).toEqual(['openstack', 'ok']);
  });

  /** Price lists in one currency, so that the rows can be compared. */
  const PRICES: Record<string, string> = { 'berlin-kvm': '4', 'dublin-kvm': '5', 'vienna-vc': '7', 'oslo-aws': '9.50', 'cumulus-nova': '3' };
  const connected = async () => (await api('GET', '/clouds')).items;
  const SAYS: Record<string, RegExp> = {
    'dublin-kvm': /can run it/,
    'vienna-vc': /with warnings.*It has no network 'svc'.*It gets SATA disks and e1000e cards/s,
    'oslo-aws': /with warnings.*It has no network 'svc'.*It has no place for disks 'images'.*EC2 gives its cards MACs of its own/s,
    'cumulus-nova': /can run it.*Nova gives it an identity/s,
  };

  test('every connected cloud says whether it can run a machine, why, and what it costs', async ({ page }) => {
    firmwareMachine('nomad1', 'berlin');
    for (const { id, name } of await connected()) {
      const list = { currency: 'EUR', vcpu_month: PRICES[name], memory_gib_month: '2', storage_gib_month: '0.05', egress_gib: '0.01', flavours: [] };
      await api('PUT', `/clouds/${id}/prices`, list);
    }
    await signIn(page);
    await openMachine(page, 'nomad1', 'berlin');
    const card = page.getByRole('region', { name: 'Where can it run' }).first();
    await card.getByRole('button', { name: 'Ask all clouds' }).click();
    const others = (await connected()).filter((c: any) => c.name !== 'berlin-kvm');
    const rows = card.locator('tbody tr');
    await expect(rows).toHaveCount(others.length);
    await expect(card.getByText(/At berlin-kvm, where it is, it costs: 4\.\d\d EUR/)).toBeVisible();
    await accessible(page);
    await shots(page, 'kinds-where', card);
    for (const { name } of others) {
      const row = rows.filter({ hasText: name });
      await expect(row).toContainText(/Can run it|Can, with warnings/);
      // What its disk really takes, though it has written nothing since it was started.
      await expect(row).toContainText(/[89]\.\d MiB/);
      await expect(row).toContainText(new RegExp(`${Math.trunc(Number(PRICES[name]))}\\.\\d\\d EUR`));
      const why = card.locator('details', { has: page.locator('summary', { hasText: name }) });
      await why.locator('summary').click();
      await expect(why).toContainText(SAYS[name]);
      await expect(why.getByText(/A month: 1 vCPU, 64 MiB of memory: /)).toBeVisible();
    }
    await accessible(page);
    await shots(page, 'kinds-why', card);
  });

  test('a machine that boots a kernel of its host can go to some kinds only', async ({ page }) => {
    test.skip(!vcenters.present || !aws.present, 'the simulators are not installed');
    await kernelMachine('nomad3', 160);
    await signIn(page);
    await openMachine(page, 'nomad3', 'berlin');
    const card = page.getByRole('region', { name: 'Where can it run' }).first();
    await card.getByRole('button', { name: 'Ask all clouds' }).click();
    const reasons = { 'vienna-vc': /Its kernel comes from its host's own files/, 'oslo-aws': /It boots a kernel of its host, which EC2 cannot do/ };
    for (const [name, reason] of Object.entries(reasons)) {
      await expect(card.locator('tbody tr').filter({ hasText: name })).toContainText('Cannot run it');
      await expect(card.locator('details[open]', { has: page.locator('summary', { hasText: name }) })).toContainText(reason);
    }
    await accessible(page);
    await page.getByRole('button', { name: 'Move to cloud …' }).click();
    const dialog = page.getByRole('dialog', { name: 'Move to cloud' });
    await expect(dialog.getByRole('radio', { name: /vienna-vc/ })).toBeDisabled();
    await expect(dialog.getByRole('radio', { name: /oslo-aws/ })).toBeDisabled();
    await expect(dialog.getByRole('radio', { name: /dublin-kvm/ })).toBeEnabled();
    await accessible(page);
    await shots(page, 'kinds-cannot');
  });

  test('a machine moves from libvirt to a vCenter by its button', async ({ page }) => {
    test.skip(!vcenters.present, 'the simulator of vSphere is not installed: e2e/lab/vsphere install');
    await signIn(page);
    await openMachine(page, 'nomad1', 'berlin');
    const dialog = await chooseTarget(page, /vienna-vc/);
    await expect(dialog.getByText("There is no network 'svc' here.")).toBeVisible();
    const press = dialog.getByRole('button', { name: 'Move to cloud' });
    await expect(press).toBeDisabled();
    await dialog.getByLabel('svc', { exact: true }).selectOption('VM Network');
    await expect(dialog.getByText('Nothing stands against it.')).toBeVisible();
    await dialog.getByText('Health check, addresses, and what becomes of the source').click();
    await expect(dialog.getByLabel('Health check')).toHaveValue('running');
    // Nothing in it listens to the power button.
    await dialog.getByLabel('Wait for a graceful shutdown, seconds').fill('2');
    await accessible(page);
    await shots(page, 'kinds-move-vienna');
    await runsToTheEnd(page, press, 'kinds-run-vienna');
    await runsOnlyAt(page, 'nomad1', 'vienna');
    const [file] = vsphere('disk', 'nomad1', 'at=vienna').split('\n');
    expect(digest(file)).toBe(diskDigest('nomad1', 'berlin'));
  });

  test('a machine moves from libvirt to EC2 by its button', async ({ page }) => {
    test.skip(!aws.present, 'moto is not installed: e2e/lab/moto install');
    firmwareMachine('nomad2', 'berlin');
    await signIn(page);
    await openMachine(page, 'nomad2', 'berlin');
    const dialog = await chooseTarget(page, /oslo-aws/);
    await expect(dialog.getByText(/there is no subnet 'svc'/)).toBeVisible();
    await dialog.getByLabel('svc', { exact: true }).selectOption('default-a');
    await dialog.getByLabel('images', { exact: true }).selectOption('gp3');
    await expect(dialog.getByText('Nothing stands against it.')).toBeVisible();
    await dialog.getByText('Health check, addresses, and what becomes of the source').click();
    await dialog.getByLabel('Wait for a graceful shutdown, seconds').fill('2');
    await accessible(page);
    await shots(page, 'kinds-move-oslo');
    await runsToTheEnd(page, dialog.getByRole('button', { name: 'Move to cloud' }), 'kinds-run-oslo');
    await runsOnlyAt(page, 'nomad2', 'oslo');
    // By the simulator itself: one is on, with the disk that it had.
    expect(moto('lab', 'running', 'name=nomad2', 'site=oslo').split('\n').filter(Boolean)).toHaveLength(1);
    expect(JSON.parse(moto('disk', 'nomad2', 'site=oslo'))).toEqual([diskDigest('nomad2', 'berlin')]);
  });

  test('a machine moves from libvirt to a real OpenStack by its button, and loses nothing', async ({ page }) => {
    test.skip(!cumulus, NO_OPENSTACK);
    test.setTimeout(300_000);
    await kernelMachine('nomad3', 160);
    const before = await guest(address(160));
    await signIn(page);
    await openMachine(page, 'nomad3', 'berlin');
    const dialog = await chooseTarget(page, /cumulus-nova/);
    await dialog.getByLabel('images', { exact: true }).selectOption('image');
    await dialog.getByText('Health check, addresses, and what becomes of the source').click();
    await dialog.getByLabel('Health check').selectOption({ label: 'Answers an HTTP request' });
    await dialog.getByLabel('Address', { exact: true }).fill(address(160));
    await dialog.getByLabel('Path').fill('/status');
    await expect(dialog.getByText('Nothing stands against it.')).toBeVisible();
    await accessible(page);
    await shots(page, 'kinds-move-cumulus');
    await runsToTheEnd(page, dialog.getByRole('button', { name: 'Move to cloud' }), 'kinds-run-cumulus');
    await runsOnlyAt(page, 'nomad3', 'cumulus');
    const after = await guest(address(160));
    expect(after.boot_id).not.toBe(before.boot_id);
    expect(after.counter_at_boot).toBeGreaterThanOrEqual(before.counter);
  });
});

test('a machine that crashed is recovered elsewhere, and the old copy stays off', async ({ page }) => {
  await kernelMachine('patient', 161);
  await expect.poll(async () => (await machineAt('patient', 'berlin'))?.state).toBe('running');
  const { id } = await machineAt('patient', 'berlin');
  const group = await api('POST', '/groups', {
    name: 'ward', protected_site: 'berlin', recovery_site: 'dublin', target_cloud_id: (await cloud('dublin-kvm')).id,
    policy: { rpo_seconds: 30, keep_points: 3, keep_hours: 1 }, machine_ids: [id],
  });
  await expect.poll(async () => (await api('GET', `/groups/${group.id}`)).members[0].replication.newest_point_at, { timeout: 60_000 }).toBeTruthy();
  await signIn(page);
  await openMachine(page, 'patient', 'berlin');
  const button = page.getByRole('button', { name: 'Recover elsewhere …' });
  await expect(page.getByRole('region', { name: 'State' }).getByText('Running')).toBeVisible();
  await expect(button).toHaveCount(0);
  const seen: GuestStatus = await guest(address(161));
  lab('in', 'berlin', 'sh', '-c', 'kill -9 "$(cat /run/libvirt/qemu/patient.pid)"');
  await expect(page.getByRole('region', { name: 'State' }).getByText('Crashed')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Protection' })).toContainText(/Newest recovery point\d+ s/);
  await expect(button).toHaveAttribute('aria-disabled', 'false');
  await button.click();
  const dialog = page.getByRole('dialog', { name: 'Recover elsewhere' });
  await expect(dialog.getByText('patient at berlin-kvm (berlin): It has crashed.')).toBeVisible();
  await expect(dialog.getByText(/Its newest recovery point is \d+ s old\. Its cloud answers: it is stopped there first/)).toBeVisible();
  await expect(dialog.getByText(/^dublin-kvm comes first: .*a recovery point lies there already/)).toBeVisible();
  await expect(dialog.getByRole('radio', { name: /With what it wrote last/ })).toBeChecked();
  const press = dialog.getByRole('button', { name: 'Recover elsewhere' });
  await expect(press).toHaveAttribute('aria-disabled', 'true');
  await accessible(page);
  await shots(page, 'kinds-recover');
  await dialog.getByLabel(/Type “patient” to confirm/).fill('patient');
  await runsToTheEnd(page, press, 'kinds-run-recover');
  await expect.poll(async () => (await guest(address(161)).catch(() => seen)).boot_id).not.toBe(seen.boot_id);
  // What it wrote last was copied from its old disks: nothing that somebody saw is lost.
  expect((await guest(address(161))).counter_at_boot).toBeGreaterThanOrEqual(seen.counter);
  await runsOnlyAt(page, 'patient', 'dublin');
});
