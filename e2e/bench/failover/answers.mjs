// answers.mjs FROM_MS ADDRESS...: milliseconds from FROM_MS (since 1970) until each address has answered /status with 200.
// One process that waits most of the time: what measures must not take the cores from what is measured.
import { get } from 'node:http';

const [from, ...addresses] = process.argv.slice(2);

function asked(address) {
  return new Promise(done => {
    const request = get({ host: address, path: '/status', timeout: 300, agent: false }, answer => {
      answer.resume();
      done(answer.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => done(false));
  });
}

await Promise.all(addresses.map(async address => {
  while (!(await asked(address))) await new Promise(next => setTimeout(next, 50));
}));
console.log(Date.now() - Number(from));
