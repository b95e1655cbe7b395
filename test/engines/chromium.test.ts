import { prove } from './promises.ts'

prove('chromium')
