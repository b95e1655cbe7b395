import type { Collector } from 'skalin-analytics-plugin/testing'

export type Demo = {
  origin: string
  collector: Collector
  close: () => Promise<void>
}

export function buildDemo(): Promise<void>
export function startDemo(options: { port: number }): Promise<Demo>
