// 5,000 machines of a simulated vCenter: from connecting to searchable, against the answer time of the server itself for the same
// properties; from a change to the screen; what the node holds.
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { figure, percentile, sleep, until, withNode } from '../inventory/node.mjs';

const COUNT = 5000;
const { CF_VIENNA_URL: url, CF_VSPHERE_USER: user, CF_VSPHERE_PASSWORD: password, CF_VSPHERE_CA } = process.env;
const ca = readFileSync(CF_VSPHERE_CA, 'utf8');
// As server/src/clouds/vsphere/inventory/machine.rs has them.
const source = readFileSync(new URL('../../../server/src/clouds/vsphere/inventory/machine.rs', import.meta.url), 'utf8');
const PATHS = [.../PATHS: &\[&str\] = &\[([^\]]+)\]/.exec(source)[1].matchAll(/"([^"]+)"/g)].map(found => found[1]);

/** Raw SOAP; the answer is read and not looked at. */
function soap(cookie, body) {
  const text = `<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Body>${body}</e:Body></e:Envelope>`;
  return new Promise((done, fail) => {
    const call = request(`${url}/sdk`, { method: 'POST', ca, headers: { 'content-type': 'text/xml', cookie, soapaction: 'urn:vim25/6.5' } }, answer => {
      const parts = [];
      answer.on('data', part => parts.push(part));
      answer.on('end', () => done({ cookie: answer.headers['set-cookie']?.[0]?.split(';')[0], body: Buffer.concat(parts) }));
    });
    call.on('error', fail);
    call.end(text);
  });
}

/** How long the server itself takes for all of it, page by page, seconds. */
async function raw() {
  const { cookie } = await soap('', `<Login xmlns="urn:vim25"><_this type="SessionManager">SessionManager</_this><userName>${user}</userName><password>${password}</password></Login>`);
  const made = await soap(cookie, '<CreateContainerView xmlns="urn:vim25"><_this type="ViewManager">ViewManager</_this><container type="Folder">group-d1</container><type>VirtualMachine</type><recursive>true</recursive></CreateContainerView>');
  const view = />([^<>]+)<\/returnval>/.exec(made.body)[1];
  const paths = PATHS.map(path => `<pathSet>${path}</pathSet>`).join('');
  const begun = performance.now();
  const pc = '<_this type="PropertyCollector">propertyCollector</_this>';
  const first = await soap(cookie, `<RetrievePropertiesEx xmlns="urn:vim25">${pc}<specSet><propSet><type>VirtualMachine</type>${paths}</propSet><objectSet><obj type="ContainerView">${view}</obj><skip>true</skip><selectSet xsi:type="TraversalSpec"><name>v</name><type>ContainerView</type><path>view</path><skip>false</skip></selectSet></objectSet></specSet><options><maxObjects>500</maxObjects></options></RetrievePropertiesEx>`);
  let bytes = first.body.length;
  let token = /<token>([^<]+)/.exec(first.body.subarray(0, 4096))?.[1];
  while (token) {
    const next = await soap(cookie, `<ContinueRetrievePropertiesEx xmlns="urn:vim25">${pc}<token>${token}</token></ContinueRetrievePropertiesEx>`);
    bytes += next.body.length;
    token = /<token>([^<]+)/.exec(next.body.subarray(0, 4096))?.[1];
  }
  return { seconds: (performance.now() - begun) / 1000, bytes };
}

/** Connected anew, with a store that knows none of them; seconds until all are searchable. */
async function connect(node) {
  const cloud = await node.api('POST', '/clouds', { name: 'many', kind: 'vsphere', site: 'bench', fields: { url, user, password, ca } });
  // The answer comes after the probe: only now the node connects for good.
  const begun = performance.now();
  await until('all are there', async () => (await node.api('GET', '/machines?limit=1')).total === COUNT, 60_000, 10);
  const seconds = (performance.now() - begun) / 1000;
  if ((await node.api('GET', '/machines?limit=1&q=name:DC0_C1_RP0_VM2499')).total !== 1) throw new Error('DC0_C1_RP0_VM2499 is not found');
  return { id: cloud.id, seconds };
}

await withNode([], async node => {
  await raw();
  const before = node.memory();
  const [ours, theirs, bytes] = [[], [], []];
  // By turns, so that both meet the same machine; the last connection stays.
  for (let i = 0; i < 5; i++) {
    const reference = await raw();
    theirs.push(reference.seconds);
    bytes.push(reference.bytes);
    const cloud = await connect(node);
    ours.push(cloud.seconds);
    if (i === 4) break;
    await node.api('DELETE', `/clouds/${cloud.id}`);
    await until('none is left', async () => (await node.api('GET', '/machines?limit=1')).total === 0);
  }
  figure('vsphere_5000.connect_to_searchable_s', percentile(ours, 0.5), percentile(theirs, 0.5), { answer_mib: Math.round(bytes[0] / 2 ** 20), of: 5 });
  figure('vsphere_5000.change_to_screen_ms', percentile(await changes(node), 0.95), 1000);
  figure('vsphere_5000.rss_mib', node.memory(), 200, { before: Math.round(before) });
});

/** Switched through the API, told by the live stream: what the power call itself takes is not counted. */
async function changes(node) {
  const [machine] = (await node.api('GET', '/machines?limit=1&q=name:DC0_C0_RP0_VM7')).items;
  const stop = new AbortController();
  const heard = [];
  const listening = node.listen(e => e.topic === 'machine' && e.id === machine.id && heard.push([e.data.state, performance.now()]), stop.signal);
  const times = [];
  for (let i = 0, on = machine.state === 'running'; i < 10; i++, on = !on) {
    const [method, state] = on ? ['PowerOffVM_Task', 'stopped'] : ['PowerOnVM_Task', 'running'];
    heard.length = 0;
    const begun = performance.now();
    await elsewhere(machine.native_id ?? (await node.api('GET', `/machines/${machine.id}`)).native_id, method);
    await until(`told of ${state}`, async () => heard.some(([seen]) => seen === state), 10_000);
    times.push(heard.find(([seen]) => seen === state)[1] - begun);
    await sleep(300);
  }
  stop.abort();
  await listening;
  return times;
}

/** By another client of the vCenter. */
async function elsewhere(id, method) {
  const { cookie } = await soap('', `<Login xmlns="urn:vim25"><_this type="SessionManager">SessionManager</_this><userName>${user}</userName><password>${password}</password></Login>`);
  await soap(cookie, `<${method} xmlns="urn:vim25"><_this type="VirtualMachine">${id}</_this></${method}>`);
}
