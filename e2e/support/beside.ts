// The clouds of the lab beside its two sites: simulated vCenters, a simulated AWS, and a real OpenStack.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { LAB_ID } from './lab';

const command = (name: string) => {
  const script = fileURLToPath(new URL(`../lab/${name}`, import.meta.url));
  const env = { ...process.env, CROSSFADE_LAB_ID: LAB_ID };
  return (...args: string[]) => execFileSync(script, args, { env, encoding: 'utf8', timeout: 300_000, stdio: ['ignore', 'pipe', 'inherit'] });
};
export const vsphere = command('vsphere');
export const moto = command('moto');
export const openstack = command('openstack');

/** A simulator for as long as the tests want it: brought up where it is installed, and ended if it was brought up here. */
export class Simulator {
  present = false;
  private ours = false;

  constructor(private ask: (...args: string[]) => string) {}

  up(): void {
    try {
      this.ask('build');
    } catch {
      return;
    }
    this.ours = /\boff$/m.test(this.ask('status'));
    this.ask('up');
    this.present = true;
  }

  down(): void {
    if (this.ours) this.ask('down');
  }
}
