// 5,000 domains of libvirt's test driver: from connecting to searchable, against libvirt's own list and statistics.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { figure, until, withNode } from './node.mjs';

const COUNT = 5000;

function domain(i) {
  const mac = [16, 8, 0].map(shift => ((i >> shift) & 255).toString(16).padStart(2, '0')).join(':');
  const id = `11111111-0000-4000-8000-${String(i).padStart(12, '0')}`;
  return `<domain type='test' xmlns:t='http://libvirt.org/schemas/domain/test/1.0'><name>vm${String(i).padStart(5, '0')}</name><uuid>${id}</uuid>
<memory unit='MiB'>2048</memory><vcpu>2</vcpu><os><type arch='x86_64'>hvm</type></os><devices>
<disk type='file' device='disk'><source file='/images/vm${i}.img'/><target dev='vda' bus='virtio'/></disk>
<interface type='network'><mac address='52:54:00:${mac}'/><source network='default'/></interface>
</devices><t:runstate>${i % 10 ? 1 : 5}</t:runstate></domain>`;
}

const host = `<node>${Array.from({ length: COUNT }, (_, i) => domain(i)).join('')}
<network><name>default</name><bridge name='virbr0'/><ip address='10.0.0.1' netmask='255.0.0.0'/></network>
<pool type='dir'><name>images</name><target><path>/images</path></target></pool></node>`;

await withNode([], async node => {
  const file = join(node.dir, 'host.xml');
  writeFileSync(file, host);
  const uri = `test://${file}`;
  const reference = performance.now();
  execFileSync('virsh', ['-q', '-c', uri, 'list --all; domstats'], { stdio: ['ignore', 'ignore', 'inherit'], maxBuffer: 1 << 28 });
  const theirs = (performance.now() - reference) / 1000;
  await node.api('POST', '/clouds', { name: 'many', kind: 'libvirt', site: 'bench', fields: { uri, insecure: 'true' } });
  // The answer comes after the probe: only now the node connects for good.
  const begun = performance.now();
  const all = async q => (await node.api('GET', `/machines?limit=1&q=${encodeURIComponent(q)}`)).total;
  await until('all are there', async () => (await all('')) === COUNT);
  const ours = (performance.now() - begun) / 1000;
  if ((await all('name:vm00001')) !== 1) throw new Error('vm00001 is not found');
  figure('inventory_5000.connect_to_searchable_s', ours, theirs);
});
