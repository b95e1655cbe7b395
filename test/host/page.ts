import type { Analytics } from '@segment/analytics-next'
import { onTestFinished, vi } from 'vitest'

/** Counts what from now on is put on the page and not taken away: listeners and timers. */
export function watchPage(): { listeners: () => string[]; timers: () => number } {
  const listeners: [EventTarget, string, unknown][] = []
  for (const target of [window, document] as EventTarget[]) {
    const addEventListener = target.addEventListener.bind(target)
    const removeEventListener = target.removeEventListener.bind(target)
    target.addEventListener = (...given: Parameters<typeof addEventListener>) => {
      listeners.push([target, given[0], given[1]])
      addEventListener(...given)
    }
    target.removeEventListener = (...given: Parameters<typeof removeEventListener>) => {
      const at = listeners.findIndex(
        ([where, name, listener]) => where === target && name === given[0] && listener === given[1],
      )
      if (at !== -1) listeners.splice(at, 1)
      removeEventListener(...given)
    }
    onTestFinished(() => void Object.assign(target, { addEventListener, removeEventListener }))
  }

  const timers = new Set<unknown>()
  const { setTimeout, clearTimeout } = globalThis
  vi.stubGlobal('setTimeout', (work: () => void, ms?: number) => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      work()
    }, ms)
    timers.add(timer)
    return timer
  })
  vi.stubGlobal('clearTimeout', (timer?: ReturnType<typeof setTimeout>) => {
    timers.delete(timer)
    clearTimeout(timer)
  })
  onTestFinished(() => void vi.unstubAllGlobals())

  return { listeners: () => listeners.map(([, name]) => name), timers: () => timers.size }
}

/** The names of all that somebody listens to on an instance. */
export const listenersOf = (analytics: Analytics): string[] =>
  Object.entries(analytics['callbacks'] as Record<string, unknown[]>).flatMap(([name, all]) =>
    all.map(() => name),
  )

function setNavigator(name: string, value: unknown): void {
  Object.defineProperty(navigator, name, { value, configurable: true })
  onTestFinished(() => void Reflect.deleteProperty(navigator, name))
}

export const setOnline = (on: boolean): void => setNavigator('onLine', on)

/** Turns the browser's Global Privacy Control on or off, until the test ends. */
export const setGpc = (on: boolean): void => setNavigator('globalPrivacyControl', on)
