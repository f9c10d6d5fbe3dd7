/**
 * Reads short phrases such as `1 bean per 1 EUR of net` word by word, so that a fault points at its word.
 */
import { didYouMean } from '../base/nearest.ts'
import type { Report, ScalarNode } from './node.ts'
import { problem } from './problem.ts'

export interface Word {
  readonly text: string
  readonly offset: number
}

export class Words {
  readonly source: string
  readonly #node: ScalarNode
  readonly #report: Report
  /** cut when the first of them is asked for: a formula is not read by words */
  #words: readonly Word[] | null = null
  #next = 0

  constructor(node: ScalarNode, report: Report) {
    this.source = node.text
    this.#node = node
    this.#report = report
  }

  /** The next word, or an empty one at the end. */
  get next(): Word {
    this.#words ??= [...this.source.matchAll(/\S+/g)].map(({ 0: text, index }) => ({ text, offset: index }))
    return this.#words[this.#next] ?? { text: '', offset: this.source.length }
  }

  take(): Word {
    const word = this.next
    this.#next += 1
    return word
  }

  /** Takes the word if it is the next one. */
  skip(text: string): boolean {
    if (this.next.text !== text) return false
    this.#next += 1
    return true
  }

  fault(offset: number, message: string, hint?: string): null {
    this.#report(problem(this.#node.at, message, { offset, hint }))
    return null
  }

  /** Reports that the next word is not what stands here; the nearest of the words quoted in `what` is told. */
  expected(what: string, hint?: string): null {
    const { text, offset } = this.next
    if (text === '') return this.fault(offset, `the text ends here, expected ${what}`, hint)
    const quoted = [...what.matchAll(/"(\w+)"/g)].map((match) => match[1]!)
    return this.fault(offset, `unexpected "${text}", expected ${what}`, hint ?? didYouMean(text, quoted))
  }
}
