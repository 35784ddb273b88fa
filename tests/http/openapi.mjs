// Holds openapi.json against what the programs do: tests/http/openapi.bats.
//
//   node openapi.mjs OPENAPI EXCHANGES FOLDER
//
// EXCHANGES has one JSON a line, {method, path, request, status, type, body}: request
// the raw body that was sent, body the raw answer. FOLDER holds node_modules. Prints each
// thing that does not agree; exit 1 when there is any.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [file, exchanges, folder] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const { Validator } = await import(require.resolve('@seriousme/openapi-schema-validator'));
const Ajv = require('ajv/dist/2020').default;
const formats = require('ajv-formats').default;

const findings = [];
const found = (...words) => findings.push(words.join(' '));
const document = JSON.parse(readFileSync(file, 'utf8'));

const valid = await new Validator().validate(structuredClone(document));
if (!valid.valid) found('not OpenAPI:', JSON.stringify(valid.errors));
if (!document.openapi.startsWith('3.1.')) found('not OpenAPI 3.1 but', document.openapi);

const ajv = formats(new Ajv({ strict: false, allErrors: true }));
ajv.addSchema(document, 'openapi');
const escape = (name) => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'));
// ['paths', '/verify'] and what it refers to.
function at(...path) {
  const node = path.reduce((value, name) => value?.[name], document);
  return node?.$ref ? at(...node.$ref.slice(2).split('/')) : { node, path };
}
const schemas = new Map();
function check(path, value) {
  const ref = `openapi#/${path.map(escape).join('/')}`;
  if (!schemas.has(ref)) schemas.set(ref, ajv.compile({ $ref: ref }));
  const test = schemas.get(ref);
  return test(value) ? null : ajv.errorsText(test.errors);
}

// The examples are true.
function examples(path) {
  const { node } = at(...path);
  const all = Object.values(node.examples ?? {}).map((example) => example.value);
  if (node.example !== undefined) all.push(node.example);
  for (const value of all) {
    const wrong = check([...path, 'schema'], value);
    if (wrong) found('example of', path.join(' '), wrong);
  }
  if (all.length === 0) found('no example of', path.join(' '));
}

// Every result and error word that a schema allows.
function words(path, into = new Set()) {
  const { node, path: here } = at(...path);
  for (const name of ['result', 'error']) {
    const word = node.properties?.[name];
    for (const value of word?.enum ?? (word?.const ? [word.const] : [])) into.add(value);
  }
  for (const kind of ['oneOf', 'allOf', 'anyOf'])
    (node[kind] ?? []).forEach((_, i) => words([...here, kind, String(i)], into));
  return into;
}

const documented = new Map();
for (const [path, methods] of Object.entries(document.paths))
  for (const [method, operation] of Object.entries(methods)) {
    if (operation.requestBody)
      examples(['paths', path, method, 'requestBody', 'content', 'application/json']);
    for (const status of Object.keys(operation.responses)) {
      const { node, path: here } = at('paths', path, method, 'responses', status);
      const content = [...here, 'content', 'application/json'];
      if (node.content) examples(content);
      documented.set(`${method} ${path} ${status}`, {
        content: node.content && content,
        words: node.content ? words([...content, 'schema']) : new Set(),
      });
    }
  }

// What was seen is documented.
const seen = new Set();
for (const line of readFileSync(exchanges, 'utf8').trim().split('\n')) {
  const x = JSON.parse(line);
  // A method that is not there is answered as the one that is, 405.
  const method = document.paths[x.path][x.method.toLowerCase()] ? x.method.toLowerCase() : Object.keys(document.paths[x.path])[0];
  const name = `${method} ${x.path} ${x.status}`;
  const entry = documented.get(name);
  const where = `${name} ${x.request.slice(0, 80)}`;
  if (!entry) {
    found('not documented:', where);
    continue;
  }
  seen.add(name);
  if (x.type !== 'application/json') {
    // The web server's own page.
    if (![400, 401, 403, 413, 429].includes(x.status)) found('no JSON:', where, x.type);
    continue;
  }
  const body = JSON.parse(x.body);
  const wrong = entry.content ? check([...entry.content, 'schema'], body) : 'no body is documented';
  if (wrong) found(where, x.body, wrong);
  for (const word of [body.result, body.error].filter(Boolean)) {
    if (!entry.words.has(word)) found('word not documented:', where, word);
    seen.add(`${name} ${word}`);
  }
  // What the schema refuses the programs refuse, and the other way round.
  if (!document.paths[x.path][method].requestBody || ![200, 400].includes(x.status) || body.error === 'bad_query') continue;
  let request;
  try {
    request = JSON.parse(x.request);
  } catch {
    continue;
  }
  const refused = check(['paths', x.path, method, 'requestBody', 'content', 'application/json', 'schema'], request);
  const word = x.status === 400 || body.error === 'no_cookie';
  // The one thing that a schema cannot say.
  const same = x.path === '/transfer' && request.call_id === request.to_call_id;
  if (word !== (refused !== null) && !same)
    found(where, word ? `refused as ${body.error}, but the schema takes it` : `answered, but the schema says ${refused}`);
}

// What is documented was seen: each status, and of 200 each word.
for (const [name, entry] of documented) {
  if (!seen.has(name)) found('never seen:', name);
  if (name.endsWith(' 200'))
    for (const word of entry.words) if (!seen.has(`${name} ${word}`)) found('never seen:', name, word);
}

// The error words, for the test to hold against idb-errors(7).
if (process.env.WORDS)
  for (const [name, entry] of documented)
    for (const word of entry.words) console.log(name.split(' ')[2], word);
else for (const line of findings) console.log(line);
process.exit(findings.length && !process.env.WORDS ? 1 : 0);
