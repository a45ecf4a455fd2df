// Checks every signature of messages by mailauth, one line of JSON per file (messages_test.py reads them).
//
//   node verify_mailauth.mjs FOLDER_OF_NODE_MODULES KEYS.json FILE...
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';

const [modules, keysFile, ...files] = process.argv.slice(2);
const { dkimVerify } = createRequire(`${modules}/`)('mailauth/lib/dkim/verify');
const keys = JSON.parse(fs.readFileSync(keysFile));

// In place of the DNS: TXT records as node:dns gives them.
async function resolver(name, type) {
  if (type === 'TXT' && keys[name] !== undefined) return [[keys[name]]];
  throw Object.assign(new Error(`no ${type} of ${name}`), { code: 'ENOTFOUND' });
}

// In one piece: at the borders of its own (64 KB), mailauth before 7 exchanges a line end with a blank behind it when the
// last line that it has seen needs canonical blanks. mailauth 7 wants Node 22, which Debian 12 does not have.
function whole(file) {
  const stream = new Readable({ read() {} });
  stream.push(fs.readFileSync(file));
  stream.push(null);
  return stream;
}

for (const file of files) {
  const checked = await dkimVerify(whole(file), { resolver });
  const signatures = checked.results
    .filter((result) => result.signingDomain)
    .map((result) => ({
      domain: result.signingDomain,
      selector: result.selector,
      algorithm: result.algo,
      good: result.status.result === 'pass',
      detail: result.status.comment || '',
    }));
  console.log(JSON.stringify({ file, signatures }));
}
