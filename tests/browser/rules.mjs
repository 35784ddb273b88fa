// What html-validate holds the pages against: all that it recommends, but for what is
// a matter of style, or said otherwise below.

export default {
  extends: ['html-validate:recommended', 'html-validate:document'],
  root: true,
  rules: {
    // The pages are well-formed XML too, which the other tests read them as.
    'void-style': ['error', { style: 'selfclose' }],
    'attribute-boolean-style': ['error', { style: 'name' }],
    'doctype-style': 'off',
    // A resident's own words, and an organisation's name, are as long as they are.
    'long-title': 'off',
    // All that a page loads is from its own host.
    'require-sri': ['error', { target: 'crossorigin' }],
    // The style sheet keeps a number on one line (layout.mjs looks), and what is copied has
    // plain spaces.
    'tel-non-breaking': 'off',
    // Where no script runs a page loads itself again, and can be told not to (WCAG 2.2.1;
    // browser.mjs looks).
    'meta-refresh': 'off',
    // What is said later stands in <div role="status"> and role="alert": <output> is a
    // result of a form.
    'prefer-native-element': ['error', { exclude: ['status', 'alert'] }],
  },
};
