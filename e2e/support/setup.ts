// Before all specs: real sites with six machines, and a fresh node.
import { rmSync } from 'node:fs';
import { lab } from './lab';
import { STATE, startNode, stopNode } from './console';

export default async function setup() {
  stopNode('SIGKILL');
  rmSync(STATE, { recursive: true, force: true });
  lab('down');
  lab('up');
  await startNode();
}
