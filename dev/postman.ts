import { collectionText, environmentText } from './postman-collection.ts'
import { story } from './postman-story.ts'
import { runWriter } from './written-files.ts'

runWriter({
  usage: `Usage: npm run postman [-- --check]

Writes docs/postman_collection.json and docs/postman_environment.json from the OpenAPI document of our own API
and the story in dev/postman-story.ts.

Options:
  --check  write nothing, and fail if one of the files would change
  --help   show this
`,
  files: [
    { path: 'docs/postman_collection.json', write: () => collectionText(story) },
    { path: 'docs/postman_environment.json', write: environmentText },
  ],
  remedy: 'does not follow the API: run npm run postman, which writes it',
})
