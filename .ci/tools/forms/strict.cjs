// Loads each schema with Ajv in its strict mode, which may not say a word, and validates what is given with it.
// Usage: strict.cjs FOLDER < {name: {schema, valid: [value], invalid: [value]}} > {name: [fault]}
"use strict";
const { readFileSync } = require("node:fs");
const path = require("node:path");
const need = require("node:module").createRequire(path.join(process.argv[2], "node_modules", "here.js"));
const Ajv2020 = need("ajv/dist/2020").default;
const addFormats = need("ajv-formats").default;

function faultsOf({ schema, valid, invalid }) {
  const faults = [];
  const say = (...words) => faults.push(`Ajv says: ${words.join(" ")}`);
  const ajv = addFormats(new Ajv2020({ strict: true, allErrors: true, logger: { log: say, warn: say, error: say } }));
  let validate;
  try {
    validate = ajv.compile(schema);
  } catch (error) {
    return [...faults, `Ajv refuses the schema: ${error.message}`];
  }
  for (const value of valid) {
    if (!validate(value)) faults.push(`${JSON.stringify(value).slice(0, 200)} is refused: ${ajv.errorsText(validate.errors)}`);
  }
  for (const value of invalid) {
    if (validate(value)) faults.push(`${JSON.stringify(value).slice(0, 200)} is accepted`);
  }
  return faults;
}

const asked = Object.entries(JSON.parse(readFileSync(0)));
process.stdout.write(JSON.stringify(Object.fromEntries(asked.map(([name, of]) => [name, faultsOf(of)]))));
