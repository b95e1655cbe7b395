import { type Analytics, registeredPlugin } from './host.ts'
import { shared } from './shared.ts'

/**
 * The instances on which a plugin is registered. Segment deregisters by name: it unloads the first
 * plugin of that name and removes all, also those registered until `unload` has answered.
 */
export type Registrations = {
  /** To be called while Segment loads the plugin. */
  enter: (instance: Analytics, load: unknown) => void
  /** Every plugin of this package leaves the instance; without one, this plugin leaves all of its own. */
  leave: (instance?: object) => void
  isEmpty: () => boolean
}

export function createRegistrations(onLeave: (instance: Analytics) => void): Registrations {
  /** No Map: a page may have a class of that name, and this is made where its error would be the page's. */
  let leaves: readonly { instance: object; leave: () => void }[] = []
  const leavesOf = (instance: object) =>
    shared(instance, 'skalin-analytics-plugin:leave', () => new Set<() => void>())

  return {
    enter(instance, load) {
      const all = leavesOf(instance)
      const leave = () => {
        all.delete(leave)
        leaves = leaves.filter((other) => other.instance !== instance)
        onLeave(instance)
      }
      if (!leaves.some((other) => other.instance === instance)) {
        leaves = [...leaves, { instance, leave }]
        all.add(leave)
      }
      const plugin = registeredPlugin(instance, load)
      if (plugin === undefined) return
      // A deregistration that is under way, as a React component mounted anew begins one, takes this
      // plugin away too.
      void Promise.resolve()
        .then(async () => {
          const isWanted = leaves.some((other) => other.leave === leave)
          if (isWanted && !registeredPlugin(instance, load))
            await instance.register(plugin as never)
        })
        .catch(() => undefined)
    },

    leave(instance) {
      if (instance) for (const leave of [...leavesOf(instance)]) leave()
      else for (const { leave } of leaves) leave()
    },

    isEmpty: () => leaves.length === 0,
  }
}
