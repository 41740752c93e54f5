// `node health.js PORT` ends with 0 if the component there is well. Plain JavaScript and few modules:
// it runs every two seconds beside every instance.
//
// In a container the component listens everywhere, but the address of its host is not there; as a
// process it listens on that address alone. Whichever answers first is meant.
import { connect } from 'node:net';

const port = Number(process.argv[2]);
const published = process.env['MILLRACE_PUBLISH_ADDRESS'] ?? '127.0.0.1';
const addresses = new Set([published === '0.0.0.0' ? '127.0.0.1' : published, '127.0.0.1']);
let open = addresses.size;

setTimeout(() => process.exit(1), 1_500).unref();
for (const address of addresses) {
  let answer = '';
  connect(port, address)
    .setEncoding('utf8')
    .on('connect', function ask() {
      this.write('GET /health HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n');
    })
    .on('data', (chunk) => {
      answer += chunk;
      if (answer.startsWith('HTTP/1.1 200 ')) process.exit(0);
    })
    .on('error', () => {})
    .on('close', () => {
      open -= 1;
      if (open === 0) process.exit(1);
    });
}
