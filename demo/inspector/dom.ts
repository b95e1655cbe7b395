type Props<T> = Partial<Omit<T, 'innerHTML' | 'outerHTML'>>

/** An element. What comes as text stays text. */
export function el<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  props: Props<HTMLElementTagNameMap[Name]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = Object.assign(document.createElement(name), props)
  element.append(...children)
  return element
}

/** The one element of the page that the selector names. */
export function find<T extends Element>(
  selector: string,
  type: abstract new () => T,
  within: ParentNode = document,
): T {
  const found = within.querySelector(selector)
  if (!(found instanceof type)) throw new Error(`The page has no ${selector}`)
  return found
}

export function findAll<T extends Element>(
  selector: string,
  type: abstract new () => T,
  within: ParentNode = document,
): T[] {
  return [...within.querySelectorAll(selector)].filter((each): each is T => each instanceof type)
}

/** Writes a text where it differs: a screen reader hears only what changed. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
