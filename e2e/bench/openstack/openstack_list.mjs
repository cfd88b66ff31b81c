// Listing the machines of an OpenStack: from connecting until all of them are searchable here, against what the official client
// takes to list the same machines (`openstack server list --long`). `node openstack_list.mjs FIGURE COUNT`, with OS_* set.
import { execFileSync } from 'node:child_process';
import { figure, until, withNode } from '../inventory/node.mjs';

const [name, wanted] = process.argv.slice(2);
const RUNS = 3;
// Debian's own Python, whatever else this machine has.
const env = { ...process.env, PATH: '/usr/bin:/bin', OS_IDENTITY_API_VERSION: '3', OS_USER_DOMAIN_NAME: 'Default', OS_PROJECT_DOMAIN_NAME: 'Default' };
for (const proxy of ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY']) delete env[proxy];

/** The middle of some runs, seconds; the first one only fills caches. */
async function middle(run) {
  const times = [];
  for (let n = 0; n <= RUNS; n++) {
    const begun = performance.now();
    const own = await run();
    times.push(own ?? (performance.now() - begun) / 1000);
  }
  return times.slice(1).sort((a, b) => a - b)[Math.floor(RUNS / 2)];
}

function client(...args) {
  return execFileSync('openstack', args, { env, maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'inherit'] }).toString();
}

/** In pages, as a script would: all of them, however long a page may be. */
const list = () => JSON.parse(client('server', 'list', '--long', '--limit', '-1', '-f', 'json')).length;

const count = list();
if (wanted && count !== Number(wanted)) throw new Error(`the client lists ${count} machines, not ${wanted}`);
const reference = await middle(async () => void list());
const start = await middle(async () => void client('--version'));

await withNode([], async node => {
  const fields = { auth_url: env.OS_AUTH_URL, user: env.OS_USERNAME, password: env.OS_PASSWORD, project: env.OS_PROJECT_NAME, insecure: 'true' };
  const ours = await middle(async () => {
    const cloud = await node.api('POST', '/clouds', { name: 'many', kind: 'openstack', site: 'bench', fields });
    // The answer comes after the probe: only now the node connects for good.
    const begun = performance.now();
    await until('all are there', async () => (await node.api('GET', '/machines?limit=1&q=cloud:many')).total === count);
    const taken = (performance.now() - begun) / 1000;
    await node.api('DELETE', `/clouds/${cloud.id}`);
    await until('all are gone', async () => (await node.api('GET', '/machines?limit=1&q=cloud:many')).total === 0);
    return taken;
  });
  figure(name, ours, reference, { machines: count, client_start_s: Math.round(start * 100) / 100 });
});
