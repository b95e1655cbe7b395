export type Person = {
  id: string
  name: string
  email: string
  /** The customers the person acts for. */
  customers: string[]
}

const customers: Record<string, string> = {
  'halden-bikes': 'Halden Bikes',
  'alto-clinic': 'Alto Clinic',
  'lumen-school': 'Lumen School',
}

/** Jonas works for two of them: that is what Skalin's `customer_id` is for. */
export const people: Person[] = [
  {
    id: 'u-1042',
    name: 'Camille Roux',
    email: 'camille@halden.example',
    customers: ['halden-bikes'],
  },
  {
    id: 'u-2718',
    name: 'Jonas Weber',
    email: 'jonas@weber.example',
    customers: ['halden-bikes', 'alto-clinic'],
  },
  {
    id: 'u-3141',
    name: 'Amara Okafor',
    email: 'amara@alto.example',
    customers: ['alto-clinic'],
  },
  {
    id: 'u-4669',
    name: 'Mia Lindqvist',
    email: 'mia@lumen.example',
    customers: ['lumen-school'],
  },
]

export const customerName = (id: string): string =>
  Object.hasOwn(customers, id) ? (customers[id] ?? id) : id
