// A node whose administrator has signed in and that sees both sites; for specs that run without the story before them.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from '@playwright/test';
import { api, BASE_URL, PASSWORD, until } from './console';
import { labEnv } from './lab';
import { expect, oneTimePassword, signIn } from './test';

export const env = labEnv();
const pem = (name: string) => readFileSync(`${env.CF_PKI}/${name}`, 'utf8');
export const fields = (uri: string) => ({ uri, ca: pem('cacert.pem'), cert: pem('clientcert.pem'), key: pem('clientkey.pem') });
/** A client certificate that no authority of the lab knows. */
export function selfSigned(): { cert: string; key: string } {
  const dir = mkdtempSync(join(tmpdir(), 'crossfade-stranger-'));
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=stranger', '-days', '2'];
  execFileSync('openssl', [...made, '-keyout', join(dir, 'key.pem'), '-out', join(dir, 'cert.pem')], { stdio: 'ignore' });
  return { cert: readFileSync(join(dir, 'cert.pem'), 'utf8'), key: readFileSync(join(dir, 'key.pem'), 'utf8') };
}
export const plain = (uri: string) => uri.split('?')[0];

export async function changePassword(page: Page): Promise<void> {
  await page.getByLabel('New password', { exact: true }).fill(PASSWORD);
  await page.getByLabel('New password again').fill(PASSWORD);
  await page.getByRole('button', { name: 'Change it' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page).not.toHaveURL(/sign-in/);
}

const add = (site: string, uri: string) => api('POST', '/clouds', { name: `${site}-kvm`, kind: 'libvirt', site, fields: fields(plain(uri)) });

export async function addDublin(): Promise<void> {
  await add('dublin', env.CF_DUBLIN_URI);
  await until('six machines are seen running', async () => (await api('GET', '/machines?q=site:berlin%20state:running')).total === 6);
}

/** Does nothing after the story, which has done the same by hand. */
export async function ready(browser: Browser): Promise<void> {
  if ((await api('GET', '/clouds')).items.length > 0) return;
  const context = await browser.newContext({ baseURL: BASE_URL });
  const page = await context.newPage();
  await signIn(page, 'admin', oneTimePassword());
  await changePassword(page);
  await context.close();
  await add('berlin', env.CF_BERLIN_URI);
  await addDublin();
}
