import type { Guest, Stage } from './stage.ts'

type TraceEvent = {
  name: string
  pid: number
  tid: number
  /** Duration, and that of it in which the thread had a processor: microseconds. */
  dur?: number
  tdur?: number
}

/**
 * The CPU time in milliseconds of each task of a page's main thread, while `work` goes on. Not the
 * time by the clock: there, a task is as long as the machine's other programs make it.
 */
export async function tasksDuring(
  { browser }: Pick<Stage, 'browser'>,
  { page }: Pick<Guest, 'page'>,
  work: () => Promise<unknown>,
): Promise<number[]> {
  const categories = ['disabled-by-default-devtools.timeline', 'blink.user_timing']
  await browser.startTracing(page, { categories })
  await page.evaluate(() => performance.mark('this-page'))
  await work()
  const trace = JSON.parse(String(await browser.stopTracing())) as { traceEvents: TraceEvent[] }
  const mark = trace.traceEvents.find(({ name }) => name === 'this-page')
  return trace.traceEvents
    .filter(({ name, pid, tid }) => name === 'RunTask' && pid === mark?.pid && tid === mark.tid)
    .map(({ tdur = 0 }) => tdur / 1000)
}
