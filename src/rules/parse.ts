/**
 * Formulas as trees: one method per level of binding, loosest first. Nesting is bounded, so that no rule
 * file can exhaust the stack.
 */
import { lex, SyntaxFault, type Token } from './lex.ts'
import { tokenHint } from './slips.ts'

interface Spot {
  /** what to point at when this part is wrong */
  readonly offset: number
  /** where its text begins and ends */
  readonly start: number
  readonly end: number
}

export type BinaryOperator = '+' | '-' | '*' | '/' | '==' | '!=' | '<' | '<=' | '>' | '>=' | 'and' | 'or'

export type Formula = Spot &
  (
    | { readonly kind: 'number'; readonly text: string; readonly unit: string | null }
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'boolean'; readonly value: boolean }
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'cell'; readonly table: string; readonly row: Formula; readonly column: Token | null }
    | { readonly kind: 'call'; readonly name: string; readonly of: readonly Formula[] }
    | { readonly kind: 'awarded'; readonly rule: string; readonly ruleOffset: number }
    | { readonly kind: 'unary'; readonly operator: '-' | 'not'; readonly of: Formula }
    | {
        readonly kind: 'binary'
        readonly operator: BinaryOperator
        readonly left: Formula
        readonly right: Formula
      }
    | { readonly kind: 'in'; readonly of: Formula; readonly list: readonly Formula[] }
    /** `'vip' in segment`: a text among the names of a set */
    | { readonly kind: 'within'; readonly of: Formula; readonly set: Formula }
    | { readonly kind: 'if'; readonly when: Formula; readonly yes: Formula; readonly no: Formula }
  )

const MOST_NESTED = 64
// A chain such as 1 + 1 + 1 is a tree as deep as it is long.
const MOST_OPERATORS = 400
const MOST_CHARACTERS = 4000
const UNIT = /^[A-Z]{3}$/
const words: ReadonlySet<string> = new Set(['and', 'or', 'not', 'in', 'if', 'then', 'else'])
const comparisons: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>='])

/** Throws SyntaxFault at the first token that does not fit. */
export function parse(source: string): Formula {
  if (source.length > MOST_CHARACTERS) {
    throw new SyntaxFault(MOST_CHARACTERS, `a formula has at most ${MOST_CHARACTERS} characters`)
  }
  const parser = new Parser(lex(source))
  return parser.whole()
}

class Parser {
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0
  #operators = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  whole(): Formula {
    const formula = this.#formula()
    if (this.#peek.kind !== 'end') this.#unexpected()
    return formula
  }

  get #peek(): Token {
    return this.#tokens[this.#next]!
  }

  #advance(): Token {
    const token = this.#peek
    this.#next += 1
    return token
  }

  #at(text: string): boolean {
    const { kind, text: found } = this.#peek
    return found === text && (kind === 'symbol' || kind === 'name')
  }

  #expect(text: string): Token {
    if (!this.#at(text)) this.#unexpected(`"${text}"`)
    return this.#advance()
  }

  #unexpected(expected?: string): never {
    const { kind, text, offset } = this.#peek
    const found = kind === 'end' ? 'the formula ends here' : `unexpected "${text}"`
    const hint = tokenHint(this.#tokens[this.#next - 1], this.#peek)
    throw new SyntaxFault(offset, expected === undefined ? found : `${found}, expected ${expected}`, hint)
  }

  #nested<T>(read: () => T): T {
    this.#depth += 1
    if (this.#depth > MOST_NESTED) {
      throw new SyntaxFault(this.#peek.offset, `a formula is nested at most ${MOST_NESTED} deep`)
    }
    const result = read()
    this.#depth -= 1
    return result
  }

  #formula(): Formula {
    return this.#nested(() => (this.#at('if') ? this.#if() : this.#or()))
  }

  #if(): Formula {
    const { offset } = this.#advance()
    const when = this.#formula()
    this.#expect('then')
    const yes = this.#formula()
    this.#expect('else')
    const no = this.#formula()
    return { kind: 'if', when, yes, no, offset, start: offset, end: no.end }
  }

  #or(): Formula {
    let left = this.#and()
    while (this.#at('or')) left = this.#binary(left, this.#and)
    return left
  }

  #and(): Formula {
    let left = this.#not()
    while (this.#at('and')) left = this.#binary(left, this.#not)
    return left
  }

  #not(): Formula {
    if (!this.#at('not')) return this.#comparison()
    const { offset } = this.#advance()
    const of = this.#nested(() => this.#not())
    return { kind: 'unary', operator: 'not', of, offset, start: offset, end: of.end }
  }

  #comparison(): Formula {
    const left = this.#sum()
    if (this.#at('in')) return this.#in(left)
    if (this.#at('not') && this.#tokens[this.#next + 1]?.text === 'in') {
      const { offset } = this.#advance()
      const of = this.#in(left)
      return { kind: 'unary', operator: 'not', of, offset, start: left.start, end: of.end }
    }
    if (this.#peek.kind !== 'symbol' || !comparisons.has(this.#peek.text)) return left
    const formula = this.#binary(left, this.#sum)
    if (this.#peek.kind === 'symbol' && comparisons.has(this.#peek.text)) {
      throw new SyntaxFault(this.#peek.offset, 'comparisons do not chain', 'join two of them with and')
    }
    return formula
  }

  #in(of: Formula): Formula {
    const { offset } = this.#advance()
    if (this.#peek.kind === 'name') {
      const set = this.#operand()
      return { kind: 'within', of, set, offset, start: of.start, end: set.end }
    }
    this.#expect('[')
    const list = this.#list(']')
    const close = this.#expect(']')
    if (list.length === 0) throw new SyntaxFault(close.offset, 'the list is empty')
    return { kind: 'in', of, list, offset, start: of.start, end: close.end }
  }

  #list(close: string): Formula[] {
    const list: Formula[] = []
    if (this.#at(close)) return list
    list.push(this.#formula())
    while (this.#at(',')) {
      this.#advance()
      list.push(this.#formula())
    }
    return list
  }

  #sum(): Formula {
    let left = this.#product()
    while (this.#at('+') || this.#at('-')) left = this.#binary(left, this.#product)
    return left
  }

  #product(): Formula {
    let left = this.#signed()
    while (this.#at('*') || this.#at('/')) left = this.#binary(left, this.#signed)
    return left
  }

  #binary(left: Formula, operand: () => Formula): Formula {
    const { text, offset } = this.#advance()
    this.#operators += 1
    if (this.#operators > MOST_OPERATORS) {
      throw new SyntaxFault(offset, `a formula has at most ${MOST_OPERATORS} operators`)
    }
    const right = operand.call(this)
    return {
      kind: 'binary',
      operator: text as BinaryOperator,
      left,
      right,
      offset,
      start: left.start,
      end: right.end,
    }
  }

  #signed(): Formula {
    if (!this.#at('-')) return this.#operand()
    const { offset } = this.#advance()
    const of = this.#nested(() => this.#signed())
    return { kind: 'unary', operator: '-', of, offset, start: offset, end: of.end }
  }

  #operand(): Formula {
    const { kind, text, offset, end } = this.#peek
    if (kind === 'number') return this.#number()
    if (kind === 'text') {
      this.#advance()
      return { kind, text, offset, start: offset, end }
    }
    if (this.#at('(')) {
      this.#advance()
      const inner = this.#formula()
      const close = this.#expect(')')
      return { ...inner, start: offset, end: close.end }
    }
    if (this.#at('if')) return this.#nested(() => this.#if())
    if (kind !== 'name' || words.has(text)) this.#unexpected('a value')
    this.#advance()
    if (text === 'true' || text === 'false') {
      return { kind: 'boolean', value: text === 'true', offset, start: offset, end }
    }
    if (this.#at('(')) return text === 'awarded' ? this.#awarded(offset) : this.#call(text, offset)
    if (this.#at('[')) return this.#cell(text, offset)
    return { kind: 'name', name: text, offset, start: offset, end }
  }

  #number(): Formula {
    const { text, offset, end } = this.#advance()
    const next = this.#peek
    if (next.kind !== 'name' || !UNIT.test(next.text)) {
      return { kind: 'number', text, unit: null, offset, start: offset, end }
    }
    this.#advance()
    return { kind: 'number', text, unit: next.text, offset, start: offset, end: next.end }
  }

  #awarded(offset: number): Formula {
    this.#expect('(')
    if (this.#peek.kind !== 'rule' && this.#peek.kind !== 'text') this.#unexpected('the id of a rule')
    const { text: rule, offset: ruleOffset } = this.#advance()
    const { end } = this.#expect(')')
    return { kind: 'awarded', rule, ruleOffset, offset, start: offset, end }
  }

  #call(name: string, offset: number): Formula {
    this.#expect('(')
    const of = this.#list(')')
    const { end } = this.#expect(')')
    return { kind: 'call', name, of, offset, start: offset, end }
  }

  #cell(table: string, offset: number): Formula {
    this.#expect('[')
    const row = this.#formula()
    const close = this.#expect(']')
    if (!this.#at('.'))
      return { kind: 'cell', table, row, column: null, offset, start: offset, end: close.end }
    this.#advance()
    if (this.#peek.kind !== 'name') this.#unexpected('a column')
    const column = this.#advance()
    return { kind: 'cell', table, row, column, offset, start: offset, end: column.end }
  }
}
