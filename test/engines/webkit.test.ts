import { describe } from 'vitest'
import { engines } from '../support/browser.ts'
import { prove } from './promises.ts'

describe.runIf(engines.includes('webkit'))('WebKit', () => prove('webkit'))
