import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Runs a module in a Node of its own, within the package, and returns what it prints as JSON. */
export async function inNode(code: string): Promise<{ printed: unknown; errors: string }> {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--unhandled-rejections=strict', '--input-type=module', '--eval', code],
    { cwd: root },
  )
  return { printed: JSON.parse(stdout), errors: stderr }
}
