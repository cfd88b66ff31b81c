// A node of its own for a benchmark: started on a free folder and port, asked over HTTP, gone afterwards.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? `${ROOT}/target`;
const PROGRAM = process.env.CROSSFADE ?? `${TARGET}/release/crossfade`;

export const sleep = ms => new Promise(next => setTimeout(next, ms));

/** The value below which `share` of the measured ones lie. */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}

export function figure(name, ours, reference, more = {}) {
  const round = n => Math.round(n * 100) / 100;
  console.log(JSON.stringify({ name, ours: round(ours), reference: round(reference), ratio: round(ours / reference), ...more }));
}

export async function until(what, holds, timeout = 600_000, pause = 50) {
  const end = Date.now() + timeout;
  for (;;) {
    if (await holds().catch(() => false)) return;
    if (Date.now() > end) throw new Error(`not within ${timeout / 1000} s: ${what}`);
    await sleep(pause);
  }
}

export async function withNode(args, work) {
  const dir = mkdtempSync(join(tmpdir(), 'crossfade-bench-'));
  const port = 18_100 + (process.pid % 800);
  const log = openSync(join(dir, 'log'), 'a');
  const flags = ['serve', '--data-dir', dir, '--listen', `127.0.0.1:${port}`, '--site-root', `${TARGET}/site`,
    '--bootstrap-token-file', join(dir, 'token'), '--log', 'warn', ...args];
  const child = spawn(PROGRAM, flags, { stdio: ['ignore', log, log] });
  const failed = new Promise((_, reject) => child.once('error', reject));
  const base = `http://127.0.0.1:${port}`;
  try {
    await Promise.race([failed, until('the node is ready', async () => (await fetch(`${base}/readyz`)).ok, 60_000)]);
    return await Promise.race([failed, work(new Node(base, dir, child.pid))]);
  } finally {
    child.kill('SIGTERM');
    await Promise.race([new Promise(next => child.once('exit', next)), sleep(12_000)]);
    rmSync(dir, { recursive: true, force: true });
  }
}

class Node {
  constructor(base, dir, pid) {
    this.base = base;
    this.dir = dir;
    this.pid = pid;
    this.headers = { authorization: `Bearer ${readFileSync(join(dir, 'token'), 'utf8').trim()}`, 'content-type': 'application/json' };
  }

  async api(method, path, body) {
    const headers = { ...this.headers, 'idempotency-key': randomUUID() };
    const answer = await fetch(`${this.base}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  /** How long each of the paths takes, whole answer read, one after the other; ms. */
  async times(paths, count) {
    const times = [];
    for (let i = 0; i < count; i++) {
      const begun = performance.now();
      const answer = await fetch(this.base + paths[i % paths.length], { headers: this.headers, redirect: 'error' });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`${paths[i % paths.length]}: ${answer.status}`);
      times.push(performance.now() - begun);
    }
    return times;
  }

  /** MiB that the process holds now. */
  memory() {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))[1]) / 1024;
  }

  /** Calls `heard(event)` for everything that the live stream tells, until `signal`. */
  async listen(heard, signal) {
    const stream = await fetch(`${this.base}/api/v1/events`, { headers: this.headers, signal });
    let text = '';
    try {
      for await (const chunk of stream.body.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
          const data = /^data: (.*)$/m.exec(text.slice(0, end));
          if (data) heard(JSON.parse(data[1]));
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
