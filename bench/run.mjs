// npm run bench [-- --quick | --profile | herd | size | inspector]: Node 20 runs no TypeScript by itself, vite's runner does.
import { runnerImport } from 'vite'

await runnerImport('./bench/main.ts', { configFile: false, logLevel: 'warn' })
