import { lab } from './lab';
import { stopNode } from './console';

export default async function teardown() {
  stopNode();
  if (!process.env.KEEP_LAB) lab('down');
}
