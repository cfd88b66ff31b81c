// A node with simulated clouds of its own, for specs that need many pages and no real site.
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser } from '@playwright/test';
import { PASSWORD, STATE, until } from './console';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? `${ROOT}/target`;
const PROGRAM = process.env.CROSSFADE ?? `${TARGET}/release/crossfade`;
const HOME = `${STATE}/simulated`;
export const SIMULATED_URL = process.env.SIMULATED_URL ?? 'http://127.0.0.1:8091';
/** The session of its administrator, for `test.use`. */
export const SESSION = `${HOME}/session.json`;

/** For a context that has no session. */
export const NOBODY = { cookies: [], origins: [] };

let node: ChildProcess | undefined;

export async function startSimulated(): Promise<void> {
  rmSync(HOME, { recursive: true, force: true });
  mkdirSync(HOME, { recursive: true });
  const log = openSync(`${HOME}/log`, 'a');
  const args = ['serve', '--simulate', '200', '--listen', new URL(SIMULATED_URL).host, '--data-dir', `${HOME}/data`, '--site-root', `${TARGET}/site`, '--bootstrap-token-file', `${HOME}/token`];
  node = spawn(PROGRAM, args, { stdio: ['ignore', log, log] });
  await until('the simulated node is ready', async () => (await fetch(`${SIMULATED_URL}/readyz`)).ok);
  await until('its machines are seen', async () => (await ask('GET', '/machines?limit=1')).total === 200);
}

export function stopSimulated(): void {
  node?.kill('SIGTERM');
}

export async function ask<T = any>(method: string, path: string, body?: unknown): Promise<T> {
  const token = readFileSync(`${HOME}/token`, 'utf8').trim();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': randomUUID() };
  const answer = await fetch(`${SIMULATED_URL}/api/v1${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return (text ? JSON.parse(text) : undefined) as T;
}

/** The first sign-in and the change of the one-time password, left behind as a session. */
export async function signInSimulated(browser: Browser): Promise<void> {
  const context = await browser.newContext({ baseURL: SIMULATED_URL, storageState: NOBODY });
  const page = await context.newPage();
  await page.goto('/sign-in');
  // What is typed before the page has taken over is lost.
  await page.waitForFunction(() => performance.getEntriesByName('hydrated').length > 0);
  await page.getByLabel('Name').fill('admin');
  await page.getByLabel('Password').fill(readFileSync(`${HOME}/data/initial-password`, 'utf8').trim());
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('New password', { exact: true }).fill(PASSWORD);
  await page.getByLabel('New password again').fill(PASSWORD);
  await page.getByRole('button', { name: 'Change it' }).click();
  await page.waitForURL(url => url.pathname === '/');
  await context.storageState({ path: SESSION });
  await context.close();
}
