/** Next products: what is near, what is never offered, what stands in where nothing is near. */
import t from 'tap'
import { type Near, nearest, popularOf } from '../../src/retention/affinity.ts'
import { type BasketRow, Baskets } from '../../src/retention/baskets.ts'
import { nextProducts, repeatsOf } from '../../src/retention/next-product.ts'
import { backtestProducts } from '../../src/retention/product-backtest.ts'
import { fc } from '../support/property.ts'

/** `ann: tea cup` for what was bought on day 1; `-cup` for what went back. */
function rows(...lines: string[]): BasketRow[] {
  return lines.flatMap((line) => {
    const [memberId = '', products = ''] = line.split(': ')
    return products.split(' ').map((product) => ({
      memberId,
      product: product.replace('-', ''),
      day: 1,
      returned: product.startsWith('-'),
    }))
  })
}

function basketsOf(all: readonly BasketRow[], through = 1000): Baskets {
  const baskets = new Baskets(through)
  for (const row of all) baskets.add(row)
  return baskets
}

const rounded = (near: Near | undefined) =>
  near?.map(([product, nearness]) => [product, Math.round(nearness * 1000) / 1000])

t.test('the plain cosine is the one of the books', (t) => {
  const { products, bought } = basketsOf(rows('a: tea cup', 'b: tea cup', 'c: tea', 'd: cup')).histories()
  const near = new Map(
    [...nearest({ products, bought }, { plain: true, shrink: 0 })].map((one) => [one.product, one.near]),
  )
  t.same(rounded(near.get('tea')), [['cup', 0.667]])
  const drawn = [...nearest({ products, bought }, { plain: true, shrink: 2 })]
  t.same(rounded(drawn.find(({ product }) => product === 'tea')?.near), [['cup', 0.333]])
  t.end()
})

t.test('who buys everything says less', (t) => {
  const all = rows('a: tea cup', 'b: tea pot x1 x2 x3 x4 x5 x6 x7 x8', 'c: tea')
  const tea = [...nearest(basketsOf(all).histories())].find(({ product }) => product === 'tea')
  t.equal(tea?.near[0]?.[0], 'cup')
  t.end()
})

t.test('never what is known or went back; what is popular fills up', (t) => {
  const near = new Map([
    [
      'tea',
      [
        ['cup', 0.9],
        ['pot', 0.5],
        ['milk', 0.4],
      ] as const,
    ],
  ])
  const bought = [
    { product: 'tea', times: 3, lastDay: 9 },
    { product: 'cup', times: 0, lastDay: 8 }, // taken back
    { product: 'jam', times: 1, lastDay: 7 },
  ]
  const popular = ['jam', 'tea', 'honey', 'milk', 'bread']
  const offers = nextProducts({ bought, near: (product) => near.get(product), popular, count: 4 })
  t.same(
    offers.map(({ product, because }) => [product, because]),
    [
      ['pot', 'tea'],
      ['milk', 'tea'],
      ['honey', null],
      ['bread', null],
    ],
  )
  t.same(
    repeatsOf(bought, 5).map(({ product }) => product),
    ['tea'],
  )
  t.same(nextProducts({ bought: [], near: () => undefined, popular: [], count: 5 }), [])
  t.end()
})

t.test('what went back is no liking, and nothing after the day counts', (t) => {
  const all = [
    ...rows('a: tea cup', 'a: -cup', 'b: cup'),
    { memberId: 'a', product: 'late', day: 50, returned: false },
  ]
  const baskets = basketsOf(all, 49)
  t.same(
    baskets.bought('a').map(({ product, times }) => [product, times]),
    [
      ['cup', 0],
      ['tea', 1],
    ],
  )
  t.same(popularOf(baskets.histories(), 5), [
    ['cup', 1],
    ['tea', 1],
  ])
  t.same(new Baskets(1).histories(), { products: [], bought: [] })
  t.end()
})

t.test('a backtest finds what is there to be found, and reads no future', (t) => {
  // Members of one taste buy the second product of a pair after the first; the crowd buys others.
  const past = Array.from({ length: 40 }, (_, n) => rows(`m${n}: first second`, `n${n}: x y`)).flat()
  const open = Array.from({ length: 10 }, (_, n) => rows(`o${n}: first`)).flat()
  const later = open.map((row) => ({ ...row, product: 'second', day: 20 }))
  const all = [...past, ...open, ...later]
  const result = backtestProducts(all, { cut: 10, horizonDays: 20 })
  t.match(result, { members: 10, methods: [{ name: 'milepost', hit: 1 }, {}, {}] })
  const none = backtestProducts(past, { cut: 10, horizonDays: 20 })
  t.match(none, { members: 0, methods: [{ hit: null }, { hit: null }, { hit: null }] })
  t.end()
})

t.test('nearness lies between 0 and 1, falls along the list, and is the same both ways', (t) => {
  const basket = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(fc.array(basket, { minLength: 1, maxLength: 20 }), (members) => {
      const all = members.flatMap((products, n) => rows(`m${n}: ${products.join(' ')}`))
      const near = new Map([...nearest(basketsOf(all).histories())].map((one) => [one.product, one.near]))
      return [...near].every(([product, list]) =>
        list.every(([other, nearness], place) => {
          const back = near.get(other)?.find(([name]) => name === product)?.[1] ?? Number.NaN
          const falls = place === 0 || list[place - 1]![1] >= nearness
          return nearness > 0 && nearness <= 1 && falls && Math.abs(back - nearness) < 1e-12
        }),
      )
    }),
  )
  t.end()
})
