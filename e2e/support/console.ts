// The node under test: its process and its REST API.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, rmSync, existsSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? `${ROOT}/target`;
export const BASE_URL = process.env.BASE_URL ?? 'http://127.0.0.1:8090';
/** Of the run of the tests, shared by setup, specs and teardown. */
export const STATE = process.env.CROSSFADE_E2E_STATE ?? '/var/tmp/crossfade-e2e';
export const PASSWORD = 'correct horse battery staple';

export async function startNode(extra: string[] = []): Promise<void> {
  // The log and the token are nobody else's.
  mkdirSync(STATE, { recursive: true, mode: 0o700 });
  const log = openSync(`${STATE}/node.log`, 'a');
  const args = ['serve', '--listen', new URL(BASE_URL).host, '--data-dir', `${STATE}/data`, '--site-root', `${TARGET}/site`, '--bootstrap-token-file', `${STATE}/token`, ...extra];
  const node: ChildProcess = spawn(`${TARGET}/release/crossfade`, args, { detached: true, stdio: ['ignore', log, log] });
  writeFileSync(`${STATE}/pid`, String(node.pid));
  node.unref();
  await until('the node is ready', async () => (await fetch(`${BASE_URL}/readyz`)).ok, 60_000);
}

export function stopNode(signal: NodeJS.Signals = 'SIGTERM'): void {
  if (!existsSync(`${STATE}/pid`)) return;
  const pid = Number(readFileSync(`${STATE}/pid`, 'utf8'));
  rmSync(`${STATE}/pid`);
  try { process.kill(pid, signal); } catch { /* gone already */ }
}

/** The REST API as the administrator that the node made at its first start. */
export async function api<T = any>(method: string, path: string, body?: unknown): Promise<T> {
  const token = readFileSync(`${STATE}/token`, 'utf8').trim();
  const answer = await fetch(`${BASE_URL}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': randomUUID() },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return (text ? JSON.parse(text) : undefined) as T;
}

export async function until(what: string, done: () => Promise<boolean>, timeout = 60_000): Promise<void> {
  const end = Date.now() + timeout;
  let last: unknown;
  while (Date.now() < end) {
    try { if (await done()) return; } catch (error) { last = error; }
    await new Promise(next => setTimeout(next, 200));
  }
  throw new Error(`not within ${timeout / 1000} s: ${what}${last ? ` (${last})` : ''}`);
}
