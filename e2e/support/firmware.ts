// Machines that stand before their firmware, without a kernel of their host: those of the lab have one, which only libvirt and
// OpenStack can load. Nothing runs in them; what matters is that their disk arrives whole.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lab } from './lab';
import { env } from './ready';

const IMAGES: Record<string, string> = { berlin: env.CF_BERLIN_IMAGES, dublin: env.CF_DUBLIN_IMAGES };

export function firmwareMachine(name: string, site: string): void {
  lab('machine', name, site, 'start=0', 'mem=64', 'size=128M', 'fill=8');
  const xml = lab('virsh', site, 'dumpxml', '--inactive', name).replace(/<(kernel|initrd|cmdline)>.*<\/\1>/g, '');
  const dir = mkdtempSync(join(tmpdir(), 'crossfade-firmware-'));
  try {
    writeFileSync(join(dir, 'machine.xml'), xml);
    lab('virsh', site, 'define', join(dir, 'machine.xml'));
  } finally {
    rmSync(dir, { recursive: true });
  }
  lab('virsh', site, 'start', name);
}

/** Of the disk of a machine that is off. */
export function diskDigest(name: string, site: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'crossfade-disk-'));
  try {
    execFileSync('qemu-img', ['convert', '-O', 'raw', join(IMAGES[site], `${name}.qcow2`), join(dir, 'raw')]);
    return digest(join(dir, 'raw'));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const BLOCK = 512 << 10;
const NOTHING = Buffer.alloc(BLOCK);

/** Of the blocks that hold something with their numbers, as `moto disk` reckons: how large the disk is makes no difference. */
export function digest(raw: string): string {
  const [file, hash, block] = [openSync(raw, 'r'), createHash('sha256'), Buffer.alloc(BLOCK)];
  for (let number = 0, read = BLOCK; read === BLOCK; number++) {
    read = readSync(file, block.fill(0), 0, BLOCK, null);
    if (!block.equals(NOTHING)) hash.update(String(number)).update(block);
  }
  closeSync(file);
  return hash.digest('hex');
}
