// A node of its own with simulated clouds, for specs that need no real site: on another port, in a folder of its own.
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, type Browser, type Page } from '@playwright/test';
import { PASSWORD, until } from './console';

export const GIVEN = 'given for the first day';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? `${ROOT}/target`;

/** For a context that has no session. */
export const NOBODY = { cookies: [], origins: [] };

export class SimulatedNode {
  readonly url: string;
  readonly dir = mkdtempSync(join(tmpdir(), 'crossfade-simulated-'));
  private node?: ChildProcess;

  constructor(port: number, private machines: number) {
    this.url = `http://127.0.0.1:${port}`;
  }

  async start(): Promise<void> {
    const log = openSync(`${this.dir}/node.log`, 'a');
    const program = process.env.CROSSFADE_BIN ?? [`${TARGET}/release/crossfade`, `${TARGET}/debug/crossfade`].find(existsSync) ?? 'crossfade';
    const args = ['serve', '--simulate', String(this.machines), '--listen', new URL(this.url).host, '--data-dir', `${this.dir}/data`, '--site-root', `${TARGET}/site`, '--bootstrap-token-file', `${this.dir}/token`];
    this.node = spawn(program, args, { stdio: ['ignore', log, log] });
    this.node.once('exit', code => { if (code) console.error(readFileSync(`${this.dir}/node.log`, 'utf8').slice(-500)); });
    await until('the node is ready', async () => (await fetch(`${this.url}/readyz`)).ok, 60_000);
    await until('all machines are seen', async () => (await this.api('GET', '/machines?limit=1')).total === this.machines);
  }

  async stop(): Promise<void> {
    const node = this.node;
    if (node && node.exitCode === null && node.signalCode === null) {
      const ended = new Promise(done => node.once('exit', done));
      node.kill('SIGTERM');
      await ended;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }

  oneTimePassword(): string {
    return readFileSync(`${this.dir}/data/initial-password`, 'utf8').trim();
  }

  /** As the administrator that the node made at its first start. */
  async api<T = any>(method: string, path: string, body?: unknown): Promise<T> {
    const token = readFileSync(`${this.dir}/token`, 'utf8').trim();
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  /** The first sign-in and the change of the one-time password, left behind as a session for `test.use`. */
  async session(browser: Browser): Promise<string> {
    const context = await browser.newContext({ baseURL: this.url, storageState: NOBODY });
    const page = await context.newPage();
    await page.goto('/sign-in');
    await page.getByLabel('Name').fill('admin');
    await page.getByLabel('Password').fill(this.oneTimePassword());
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('New password', { exact: true }).fill(PASSWORD);
    await page.getByLabel('New password again').fill(PASSWORD);
    await page.getByRole('button', { name: 'Change it' }).click();
    await page.waitForURL(url => url.pathname === '/');
    await context.storageState({ path: this.sessionFile });
    await context.close();
    return this.sessionFile;
  }

  /** A page as the administrator of `session`, live. */
  async open(page: Page, path: string): Promise<void> {
    await page.context().clearCookies();
    await page.context().addCookies(JSON.parse(readFileSync(this.sessionFile, 'utf8')).cookies);
    await page.goto(path);
    await expect(page.locator('.connection')).toHaveText('live');
  }

  get sessionFile(): string {
    return `${this.dir}/session.json`;
  }

  /** Somebody who must choose a password of their own at the first sign-in, made with `GIVEN`. */
  async user(name: string, role: 'viewer' | 'operator' | 'administrator'): Promise<void> {
    await this.api('POST', '/users', { name, role, password: GIVEN });
  }
}
