// Before all specs: real sites with six machines, and a fresh node.
import { rmSync } from 'node:fs';
import { lab } from './lab';
import { STATE, startNode, stopNode } from './console';

export default async function setup() {
  stopNode('SIGKILL');
  rmSync(STATE, { recursive: true, force: true });
  // What stands already, maybe with a cloud beside the sites that took minutes to come up, is used where somebody says so.
  if (!process.env.CROSSFADE_E2E_STANDING) lab('down');
  lab('up');
  await startNode();
}
