// JSON Forms, vanilla renderers, with the layout that it makes of the schema itself.
"use strict";

module.exports = ({ need, React, draw, settle }) => {
  const { JsonForms } = need("@jsonforms/react");
  const { vanillaCells: cells, vanillaRenderers: renderers } = need("@jsonforms/vanilla-renderers");
  const Ajv2020 = need("ajv/dist/2020").default;
  const addFormats = need("ajv-formats").default;
  let last;

  return {
    // Only a layout of one's own makes an input of it that hides what is entered.
    hidesSecrets: false,
    show(schema) {
      const ajv = addFormats(new Ajv2020({ allErrors: true, strict: false, logger: false, useDefaults: true, verbose: true }));
      last = undefined;
      const onChange = (state) => (last = state);
      return draw(React.createElement(JsonForms, { schema, data: {}, renderers, cells, ajv, onChange }));
    },
    control: (main, name) => main.querySelector(`[id="#/properties/${name}-input"]`),
    list(main, name) {
      const list = main.querySelector(`.root_properties_${name}`);
      return list && { add: list.querySelector("header button"), inputs: () => [...list.querySelectorAll("tbody input")] };
    },
    async submit() {
      // It reports changes once they have been quiet for a moment.
      await settle(100);
      const errors = last.errors.map((error) => `${error.instancePath} ${error.message}`);
      return { data: last.data, errors };
    },
  };
};
