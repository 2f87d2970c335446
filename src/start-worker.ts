// The file that node runs for one of several workers, whose pool has the size that the primary process has set.
import { loadBundle } from './load-bundle.ts'

void loadBundle().runWorker()
