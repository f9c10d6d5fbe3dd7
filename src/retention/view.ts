/**
 * What each of the seven views of the analyst tells: figures, tables and charts, all of them plain data made
 * of the same numbers, so that the page, the command line and the picture cannot disagree.
 */

export const viewNames = [
  'profiling',
  'persistency',
  'profitability',
  'performance',
  'prospecting',
  'product',
  'promotion',
] as const
export type ViewName = (typeof viewNames)[number]

/** Money is a decimal text in the program's money; shares are 0 to 1. */
export type Cell = string | number | null

export interface ViewTable {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

export interface ViewFigure {
  readonly name: string
  readonly value: Cell
  readonly unit: 'members' | 'share' | 'money' | 'days' | 'count' | 'date' | 'points'
}

/** Bars of one series, or lines of several over the same steps. A gap in a line is null. */
export interface ViewChart {
  readonly kind: 'bars' | 'lines'
  readonly title: string
  /** what the steps are, and what is measured */
  readonly along: string
  readonly measure: string
  readonly unit: ViewFigure['unit']
  readonly steps: readonly string[]
  readonly series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[]
}

export interface View {
  readonly view: ViewName
  readonly program: string
  /** ISO 4217 */
  readonly money: string
  /** the last day that was read */
  readonly asOf: string
  /** what is missing where there is too little to go by; null: nothing */
  readonly note: string | null
  readonly figures: readonly ViewFigure[]
  readonly tables: readonly ViewTable[]
  readonly charts: readonly ViewChart[]
}

export const titles: Readonly<Record<ViewName, string>> = {
  profiling: 'Profiling: who the members are',
  persistency: 'Persistency: who comes back, by first month',
  profitability: 'Profitability: what members bring and what they get',
  performance: 'Performance: what experiments found',
  prospecting: 'Prospecting: second purchases and what is to come',
  product: 'Product: what is bought, and by the same members',
  promotion: 'Promotion: what was given, and what is left',
}

/** A share of nothing is not known. */
export function shareOf(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null
}
