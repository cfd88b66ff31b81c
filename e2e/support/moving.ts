// A machine of berlin goes to another cloud by its button, through the dialog, as a person does it; and what is true afterwards.
import { expect, type Locator, type Page } from '@playwright/test';
import { api } from './console';
import { lab } from './lab';
import { accessible, shots } from './test';

export const machineAt = async (name: string, site: string) => (await api('GET', `/machines?q=${encodeURIComponent(`name:${name} site:${site}`)}`)).items[0];

/** Opens the page of a machine once its cloud shows it running. */
export async function openMachine(page: Page, name: string, site: string): Promise<void> {
  await expect.poll(async () => (await machineAt(name, site))?.state).toBe('running');
  await page.goto(`/machines/${(await machineAt(name, site)).id}`);
  await expect(page.locator('.connection')).toHaveText('live');
}

/** Up to the choice of the target. */
export async function chooseTarget(page: Page, target: RegExp): Promise<Locator> {
  await page.getByRole('button', { name: 'Move to cloud …' }).click();
  const dialog = page.getByRole('dialog', { name: 'Move to cloud' });
  await dialog.getByRole('radio', { name: target }).check();
  return dialog;
}

/** Presses the button; answers the run once it is over and its page says that it succeeded. */
export async function runsToTheEnd(page: Page, press: Locator, screen: string): Promise<any> {
  await expect(press).toBeEnabled();
  await press.click();
  await expect(page).toHaveURL(/runs\/[0-9a-f]+/);
  const state = page.locator('.run-state');
  // What it says when it goes no further by itself, whatever that is.
  await expect(state).toHaveText(/Succeeded|Failed|Waits for you|Cancelled|Paused/, { timeout: 150_000 });
  const run = await api('GET', `/runs/${page.url().split('/').pop()}`);
  expect(run.state, JSON.stringify(run.steps.filter((s: any) => s.state !== 'succeeded'))).toBe('succeeded');
  await expect(state).toHaveText('Succeeded');
  await accessible(page);
  await shots(page, screen);
  return run;
}

/** It runs at the one cloud, and is off and locked at berlin: by the screens, by the API and by the hypervisor. */
export async function runsOnlyAt(page: Page, name: string, site: string): Promise<void> {
  const old = await machineAt(name, 'berlin');
  await expect.poll(async () => (await api('GET', `/machines/${old.id}`)).locked).toContain(site);
  expect(lab('virsh', 'berlin', 'domstate', name).trim()).toBe('shut off');
  expect(() => lab('virsh', 'berlin', 'start', name), 'berlin refuses to start it').toThrow();
  await page.goto(`/machines/${old.id}`);
  await expect(page.getByText('Superseded: this copy must stay stopped.')).toBeVisible();
  await expect(page.getByText(/^Locked against start: superseded by the copy at/)).toContainText(site);
  await page.getByRole('link', { name: `The active copy is at ${site}` }).click();
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
  const state = page.getByRole('region', { name: 'State' });
  await expect(state).toContainText(site);
  await expect(state.getByText('Running')).toBeVisible();
  const copies = page.getByRole('region', { name: 'Copies' }).locator('tbody tr');
  await expect(copies).toHaveCount(1);
  await expect(copies).toContainText(/berlin.*Superseded.*(Stopped|Crashed)/s);
  const here = await machineAt(name, site);
  expect([here.state, here.role, here.split_brain]).toEqual(['running', 'active', false]);
}
