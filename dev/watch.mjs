import { readdirSync, watch } from 'node:fs'
import { join } from 'node:path'

/** Files that a tool writes in many steps, or an editor several times, are one change. */
const quietMs = 50

/**
 * Calls back after each change below the folders, and of the named files in `root`. Each folder is watched by itself: Node 20 loses
 * files that an editor replaces when it watches a tree. Returns what ends the watching.
 */
export function watchTree(root, { folders, files }, onChange) {
  const watchers = new Map()
  let timer

  function changed() {
    clearTimeout(timer)
    timer = setTimeout(() => {
      for (const folder of folders) watchBelow(join(root, folder))
      onChange()
    }, quietMs)
  }

  function watchBelow(folder) {
    watchOne(folder, () => true)
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      // The build writes what is generated.
      if (entry.isDirectory() && entry.name !== 'generated') watchBelow(join(folder, entry.name))
    }
  }

  function watchOne(folder, concerns) {
    if (watchers.has(folder)) return
    const watcher = watch(folder, (_event, name) => name !== 'generated' && concerns(name) && changed())
    const forget = () => {
      watcher.close()
      watchers.delete(folder)
    }
    watcher.on('error', forget).on('close', forget)
    watchers.set(folder, watcher)
  }

  for (const folder of folders) watchBelow(join(root, folder))
  watchOne(root, (name) => files.includes(name))
  return () => {
    clearTimeout(timer)
    for (const watcher of watchers.values()) watcher.close()
  }
}
