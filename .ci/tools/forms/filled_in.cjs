// Draws the form of each schema, looks for an input for every property, fills it in as a user would, and compares what
// comes back with what was entered. Usage: filled_in.cjs rjsf|json_forms FOLDER < {name: schema} > {name: [fault]}
"use strict";
const assert = require("node:assert");
const { readFileSync } = require("node:fs");
const page = require("./page.cjs");

const [, , kind, folder] = process.argv;
const shown = page(folder);
const form = require(`./${kind}.cjs`)(shown);

/** A value that differs from the default, as the schema allows it. */
function other(property) {
  const choice = property.oneOf?.findLast((choice) => choice.const !== property.default);
  if (choice) return choice.const;
  switch (property.type) {
    case "boolean":
      return property.default !== true;
    case "array":
      return [...(property.default ?? []), property.items.examples?.[0] ?? "entered"];
    case "integer":
    case "number":
      return [property.minimum, property.maximum, 7].find((value) => value !== undefined && value !== property.default);
    default:
      return property.examples?.[0] ?? "entered";
  }
}

/** Enters a value; what is wrong with the control. */
async function fill(main, name, property, value) {
  if (property.type === "array") {
    const list = form.list(main, name);
    if (!list?.add) return "has no button that adds an item";
    const before = list.inputs().length;
    await shown.press(list.add);
    const inputs = form.list(main, name).inputs();
    if (inputs.length !== before + 1) return "gets no input for another item";
    return void (await shown.enter(inputs.at(-1), value.at(-1)));
  }
  const control = form.control(main, name);
  if (!control || !["INPUT", "SELECT", "TEXTAREA"].includes(control.tagName)) return "has no input";
  const label = [...(control.labels ?? [])].map((label) => label.textContent).join(" ");
  if (!label.includes(property.title)) return `is labelled ${JSON.stringify(label)}`;
  if (form.hidesSecrets && property.format === "password" && control.type !== "password") return "shows its secret";
  if (!property.oneOf) return void (await shown.enter(control, value));
  const options = control.tagName === "SELECT" ? [...control.options].map((option) => option.label) : [];
  const lacking = property.oneOf.filter((choice) => !choice.title || !options.includes(choice.title));
  if (lacking.length > 0) return `offers ${JSON.stringify(options)} and no title for ${lacking.map((one) => one.const)}`;
  await shown.enter(control, property.oneOf.find((choice) => choice.const === value).title);
}

async function faultsOf(schema) {
  const faults = [];
  const main = await form.show(schema);
  const expected = {};
  for (const [name, property] of Object.entries(schema.properties)) {
    expected[name] = other(property);
    const fault = await fill(main, name, property, expected[name]);
    if (fault) faults.push(`${name} ${fault}`);
  }
  const { data, errors } = await form.submit(main);
  if (errors.length > 0) return [...faults, ...errors.map((error) => `what was filled in is refused: ${error}`)];
  for (const name of Object.keys(expected)) {
    if (faults.some((fault) => fault.startsWith(`${name} `))) continue;
    try {
      assert.deepStrictEqual(data?.[name], expected[name]);
    } catch {
      faults.push(`${name} came back as ${JSON.stringify(data?.[name])}, not ${JSON.stringify(expected[name])}`);
    }
  }
  return faults;
}

(async () => {
  const answer = {};
  for (const [name, schema] of Object.entries(JSON.parse(readFileSync(0)))) {
    try {
      answer[name] = await faultsOf(schema);
    } catch (error) {
      answer[name] = [`cannot be drawn: ${error.message.split("\n")[0]}`];
    }
  }
  process.stdout.write(JSON.stringify(answer), () => process.exit(0));
})();
