// react-jsonschema-form, core theme.
"use strict";

module.exports = ({ need, React, draw, press }) => {
  const Form = need("@rjsf/core").default;
  const { customizeValidator } = need("@rjsf/validator-ajv8");
  const validator = customizeValidator({ AjvClass: need("ajv/dist/2020").default });
  let submitted;

  const byId = (main, id) => main.querySelector(`[id="${id}"]`);
  return {
    hidesSecrets: true,
    show(schema) {
      submitted = { errors: ["the form was not submitted"] };
      return draw(
        React.createElement(Form, {
          schema,
          validator,
          noHtml5Validate: true,
          onSubmit: ({ formData }) => (submitted = { data: formData, errors: [] }),
          onError: (errors) => (submitted = { errors: errors.map(({ property, stack }) => `${property} ${stack}`) }),
        }),
      );
    },
    control: (main, name) => byId(main, `root_${name}`),
    list(main, name) {
      const list = byId(main, `root_${name}`);
      return (
        list && {
          add: list.querySelector(".btn-add, .rjsf-array-item-add button, [id$='__add']"),
          inputs: () => [...list.querySelectorAll(`input[id^="root_${name}_"]`)],
        }
      );
    },
    async submit(main) {
      await press(main.querySelector("button[type=submit]"));
      return submitted;
    },
  };
};
