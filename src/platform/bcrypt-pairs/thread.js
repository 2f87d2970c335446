import { parentPort } from 'node:worker_threads'
import { createPairComparer } from './bcrypt.js'

const comparePair = createPairComparer()

parentPort?.on('message', ({ pair, cost }) => parentPort?.postMessage(comparePair(pair, cost)))
