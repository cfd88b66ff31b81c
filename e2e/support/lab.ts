// The real sites of e2e/lab, as functions.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const LAB_ID = process.env.CROSSFADE_LAB_ID ?? '7';
const LAB = fileURLToPath(new URL('../lab/lab', import.meta.url));

export function lab(...args: string[]): string {
  return execFileSync(LAB, args, { env: { ...process.env, CROSSFADE_LAB_ID: LAB_ID }, encoding: 'utf8', timeout: 300_000, stdio: ['ignore', 'pipe', 'inherit'] });
}

/** As an administrator does who will not be told; false: it was locked again in between. */
export function breakLockAndStart(site: string, name: string): boolean {
  try {
    lab('virsh', site, 'detach-disk', name, 'vdzz', '--config');
    lab('virsh', site, 'start', name);
    return true;
  } catch {
    return lab('virsh', site, 'domstate', name).trim() === 'running';
  }
}

/** What lines of `export A=1 B='2'` say. */
export function exported(lines: string): Record<string, string> {
  const pairs = [...lines.matchAll(/(\w+)=('[^'\n]*'|\S*)/g)].map(([, key, value]) => [key, value.replaceAll("'", '')]);
  return Object.fromEntries(pairs);
}

/** What `lab env` exports. */
export const labEnv = () => exported(lab('env'));

export const address = (last: number) => `10.88.${LAB_ID}.${last}`;
export const SERVICE_ADDRESS = address(100);
export const MACHINES: Record<string, number> = { db1: 21, db2: 22, app1: 31, app2: 32, web1: 41, web2: 42 };

export interface GuestStatus { host: string; boot_id: string; counter: number; counter_at_boot: number; boots: number }

/** What the machine itself says; throws while it does not answer. */
export async function guest(ip: string): Promise<GuestStatus> {
  const answer = await fetch(`http://${ip}/status`, { signal: AbortSignal.timeout(2000) });
  return (await answer.json()) as GuestStatus;
}
