// A cloud that has many machines, for benchmarks: answers as a real OpenStack (Zed) gave them, one server many times over.
// Only what a list needs: Keystone, Nova's pages, Glance's and Neutron's answers for looking. `node fake.mjs PORT COUNT`.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, count] = process.argv.slice(2).map(Number);
const at = `http://127.0.0.1:${port}`;
const recorded = JSON.parse(readFileSync(new URL('recorded.json', import.meta.url), 'utf8'));
/** Nova's own limit of a page. */
const LONGEST = 1000;

const id = n => `5e7e0000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
const mac = n => `fa:16:3e:${[16, 8, 0].map(bits => ((n >> bits) & 255).toString(16).padStart(2, '0')).join(':')}`;
/** The same machine with a name, an id and an address of its own. */
function server(shape, n) {
  const [network] = Object.keys(shape.addresses);
  const card = { ...shape.addresses[network][0], addr: `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`, 'OS-EXT-IPS-MAC:mac_addr': mac(n) };
  return JSON.stringify({ ...shape, id: id(n), name: `web-${String(n).padStart(5, '0')}`, addresses: { [network]: [card] } });
}
// Written once: the time that counts is that of who reads it.
const lists = { new: recorded.server_2_79, old: recorded.server_2_1 };
for (const key of Object.keys(lists)) lists[key] = Array.from({ length: count }, (_, n) => server(lists[key], n));

function servers(query, dialect) {
  const list = Number(/compute 2\.(\d+)/.exec(dialect)?.[1] ?? 1) >= 47 ? lists.new : lists.old;
  const marker = query.get('marker');
  const from = marker ? parseInt(marker.slice(-12), 16) + 1 : 0;
  const limit = Math.min(Number(query.get('limit') ?? LONGEST), LONGEST);
  const page = query.has('changes-since') ? [] : list.slice(from, from + limit);
  const more = from + page.length < list.length && page.length === limit;
  const links = more ? `,"servers_links":[{"rel":"next","href":"${at}/v2.1/servers/detail?limit=${limit}&marker=${id(from + limit - 1)}"}]` : '';
  return `{"servers":[${page.join(',')}]${links}}`;
}

function token() {
  const now = Date.now();
  const endpoint = (type, url) => ({ type, name: type, id: type, endpoints: ['public', 'internal', 'admin'].map(face => ({ id: type + face, interface: face, region: 'R', region_id: 'R', url })) });
  return JSON.stringify({ token: {
    methods: ['password'], user: { id: 'u', name: 'bench', domain: { id: 'default', name: 'Default' } }, audit_ids: ['a'],
    issued_at: new Date(now).toISOString(), expires_at: new Date(now + 3_600_000).toISOString(),
    project: { id: '0123456789abcdef0123456789abcdef', name: 'bench', domain: { id: 'default', name: 'Default' } }, is_domain: false, roles: [{ id: 'r', name: 'member' }],
    catalog: [endpoint('compute', `${at}/v2.1`), endpoint('image', at), endpoint('network', at), endpoint('identity', `${at}/v3`)],
  } });
}

const version = key => ({ id: key, status: 'CURRENT', version: '2.93', min_version: '2.1', updated: '2013-07-23T11:33:21Z', links: [{ rel: 'self', href: `${at}/${key === 'v2.1' ? 'v2.1' : key}/` }] });
const { image, flavors } = recorded;
const FIXED = {
  '/': { versions: [version('v2.1')] },
  '/v3': { version: { id: 'v3.14', status: 'stable', updated: '2020-04-07T00:00:00Z', links: [{ rel: 'self', href: `${at}/v3/` }], 'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }] } },
  '/v2.1': { version: version('v2.1') },
  '/v2.1/limits': { limits: { rate: [], absolute: { maxTotalCores: -1, maxTotalRAMSize: -1, maxTotalInstances: -1 } } },
  '/v2.1/flavors': { flavors }, '/v2.1/flavors/detail': { flavors },
  '/v2.1/os-availability-zone': { availabilityZoneInfo: [{ zoneName: 'nova', zoneState: { available: true }, hosts: null }] },
  '/v2/images': { images: [image], first: '/v2/images', schema: '/v2/schemas/images' }, [`/v2/images/${image.id}`]: image,
  '/v2.0/networks': { networks: [] }, '/v2.0/subnets': { subnets: [] }, '/v2.0/ports': { ports: [] },
};

createServer((request, response) => {
  const url = new URL(request.url, at);
  const path = url.pathname.replace(/(.)\/$/, '$1');
  request.resume();
  if (path === '/v3/auth/tokens') {
    response.writeHead(201, { 'x-subject-token': 'token-of-the-bench', 'content-type': 'application/json' }).end(token());
  } else if (path === '/v2.1/servers/detail' || path === '/v2.1/servers') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(servers(url.searchParams, request.headers['openstack-api-version'] ?? ''));
  } else if (FIXED[path]) {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(FIXED[path]));
  } else {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"itemNotFound":{"code":404,"message":"not in this bench"}}');
  }
}).listen(port, '127.0.0.1', () => console.log(`${count} machines at ${at}/v3`));
