const { SwaggerUIBundle } = /** @type {any} */ (globalThis)
const chooser = /** @type {HTMLSelectElement} */ (document.querySelector('select'))
// The page works under any name of the server: requests that are tried out here go to where the page came from.
const askHere = () => ({
  statePlugins: {
    spec: {
      wrapActions: {
        updateJsonSpec: (/** @type {(spec: object) => unknown} */ update) => (/** @type {object} */ spec) =>
          update({
            ...spec,
            servers: [{ url: new URL(chooser.value, location.href).href.replace('/openapi.json', '') }],
          }),
      },
    },
  },
})
const ui = SwaggerUIBundle({
  plugins: [askHere],
  domNode: document.querySelector('#document'),
  url: chooser.value,
  deepLinking: true,
  // Otherwise it would have a third-party server validate the document.
  validatorUrl: null,
})
chooser.addEventListener('change', () => {
  ui.specActions.updateUrl(chooser.value)
  ui.specActions.download(chooser.value)
})
