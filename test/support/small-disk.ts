import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmdirSync, truncateSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const megabyte = 1024 * 1024

/** A disk of its own, which can be full without harm to anything else. */
export type SmallDisk = {
  folder: string
  /** Leaves no byte, and takes at once what is given back. */
  fill: () => void
  /** There is room again. */
  empty: () => void
  remove: () => void
}

/** Mounts one in memory; `undefined` where that is not allowed: it takes root on Linux. */
export function createSmallDisk(megabytes: number): SmallDisk | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'skalin-disk-'))
  try {
    const options = ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'skalin-disk', folder]
    execFileSync('mount', options, { stdio: 'pipe' })
  } catch {
    rmdirSync(folder)
    return undefined
  }
  const ballast = join(folder, 'ballast')
  let filling: NodeJS.Timeout | undefined

  function writeAll(): void {
    const file = openSync(ballast, 'a')
    try {
      for (const bytes of [megabyte, 1024]) writeUntilFull(file, Buffer.alloc(bytes))
    } finally {
      closeSync(file)
    }
  }

  function stop(): void {
    clearInterval(filling)
  }

  return {
    folder,
    fill() {
      stop()
      writeAll()
      filling = setInterval(writeAll, 20)
    },
    empty() {
      stop()
      truncateSync(ballast)
    },
    remove() {
      stop()
      execFileSync('umount', ['--lazy', folder])
      rmdirSync(folder)
    },
  }
}

function writeUntilFull(file: number, bytes: Buffer): void {
  try {
    for (;;) writeSync(file, bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}
