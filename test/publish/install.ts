import { exec, execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import packageJson from '../../package.json' with { type: 'json' }

export const root: string = fileURLToPath(new URL('../../', import.meta.url))
const { name } = packageJson

export interface Workplace {
  folder: string
  /** What `npm publish` would upload. */
  tarball: string
  /**
   * Makes an application's folder: a copy of `template`, with the tarball and these packages of ours
   * installed. What the package does not declare it does not find there. No network is needed.
   */
  app: (name: string, packages: string[], template?: string) => Promise<string>
  close: () => Promise<void>
}

/** Packs the package as it is built, in a folder outside of the repository. */
export async function createWorkplace(): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'skalin-publish-'))
  await promisify(exec)(`npm pack --ignore-scripts --pack-destination "${folder}"`, { cwd: root })
  const [packed = ''] = await readdir(folder)
  const tarball = join(folder, packed)
  return {
    folder,
    tarball,
    async app(appName, packages, template) {
      const app = join(folder, appName)
      if (template) await cp(template, app, { recursive: true })
      const ours = join(app, 'node_modules', name)
      await mkdir(ours, { recursive: true })
      await promisify(execFile)('tar', ['-xzf', tarball, '--strip-components=1'], { cwd: ours })
      for (const linked of packages) {
        const link = join(app, 'node_modules', linked)
        await mkdir(dirname(link), { recursive: true })
        await symlink(join(root, 'node_modules', linked), link, 'junction')
      }
      return app
    },
    close: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Every file below `folder`, by its path from there with slashes, in order. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
}

export const read = (...path: string[]): Promise<string> => readFile(join(...path), 'utf8')

/** Runs a program of an installed package as its users do, and returns what it says; so does a failure. */
export async function run(
  cwd: string,
  [file, ...args]: [string, ...string[]],
  env: Record<string, string> = {},
): Promise<string> {
  const program = isAbsolute(file) ? file : join(root, 'node_modules', file)
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, ...args], {
    cwd,
    env: { ...process.env, NODE_ENV: 'production', ...env },
  }).catch((error: unknown) => {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error([file, ...args].join(' ') + `\n${stdout}${stderr}`)
  })
  return stdout + stderr
}
