// What mailparser finds in messages, one line of JSON per file (messages_test.py reads them).
//
//   node read_mailparser.mjs FOLDER_OF_NODE_MODULES FILE...
import crypto from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';

const [modules, ...files] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { simpleParser } = require('mailparser');
const libmime = require('libmime');
// As it stands in the message: no text made from HTML, no pictures put into it.
const options = { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true, skipTextLinks: true };

for (const file of files) {
  const mail = await simpleParser(fs.readFileSync(file), options);
  const headers = {};
  for (const [name, value] of mail.headers) {
    // mailparser leaves fields that it does not know as they are; its library decodes them.
    if (typeof value === 'string') headers[name] = libmime.decodeWords(value);
  }
  console.log(
    JSON.stringify({
      file,
      subject: mail.subject,
      from_name: mail.from.value[0].name,
      from_address: mail.from.value[0].address,
      to: mail.to.value[0].address,
      text: mail.text,
      html: mail.html,
      headers,
      attachments: mail.attachments.map((part) => ({
        name: part.filename || '',
        type: part.contentType,
        cid: part.cid || '',
        sha256: crypto.createHash('sha256').update(part.content).digest('hex'),
      })),
    }),
  );
}
