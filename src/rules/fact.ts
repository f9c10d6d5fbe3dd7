/**
 * The names that conditions and formulas may use: built-in facts, declared fields, member attributes and
 * tiers. A name is looked up when a rule is compiled, so evaluation never sees one that is not declared.
 */
import { didYouMean, nearest } from '../base/nearest.ts'
import { Decimal } from '../base/points.ts'
import { membershipYear } from '../base/time.ts'
import { builtIn, builtInOfLine, lineNames, memberFor, ofLines, transactionNames } from './built-in.ts'
import type { Field, FieldValue } from './facts.ts'
import { PARTS, partsOfNumber, partsOfText } from './parts.ts'
import type { Quick } from './quick.ts'
import type { DeclaredType, Scope } from './scope.ts'
import type { Sight } from './sight.ts'
import { isDay, type Type, type Value } from './value.ts'

export interface Fact {
  readonly name: string
  readonly type: Type
  /** differs from line to line */
  readonly perLine: boolean
  /** undefined: the caller sent none */
  readonly read: (sight: Sight) => Value | undefined
  /** of amounts: the same without Decimal, where that is exact */
  readonly quick?: Quick | undefined
  /** the rule whose award it is, for the order of evaluation */
  readonly awardedBy?: string
}

/** Where a name stands decides what it can mean. */
export interface Terms {
  readonly scope: Scope
  /** the rule's id; null outside of rules */
  readonly rule: string | null
  /** the rule's transaction types */
  readonly on: readonly string[]
  /** `line`: a rule per line; `only line`: a condition on lines alone, where `line.` may be left out */
  readonly lines: 'none' | 'line' | 'only line'
  /** a field that any of the types declares will do: where another type comes, it is missing */
  readonly ofAnyType?: boolean
  /** of a rule about some lines: whether the line in hand is one of them */
  readonly isOne?: (sight: Sight) => boolean
}

export type Found = { readonly fact: Fact } | { readonly message: string; readonly hint?: string | undefined }

const NUMBER: Type = { kind: 'number' }
/** Names that a program cannot give to a field of a transaction, because they mean something already. */
export const reservedNames: ReadonlySet<string> = new Set([
  ...transactionNames,
  ...[
    'line',
    'member',
    'tier',
    'segment',
    'promotion',
    'and',
    'or',
    'not',
    'in',
    'if',
    'then',
    'else',
    'true',
    'false',
  ],
  ...['any', 'all', 'none', 'where'],
])

/** Names that a program cannot give to a field of a line. */
export const reservedLineNames: ReadonlySet<string> = new Set(lineNames)

function typeOf(field: Field): Type {
  switch (field.type) {
    case 'text':
      return { kind: 'text', oneOf: field.oneOf }
    case 'integer':
    case 'number':
      return NUMBER
    default:
      return { kind: field.type }
  }
}

// A value of another type than declared (the declaration may have changed since) counts as missing.
function fieldValue(field: Field, value: FieldValue | undefined): Value | undefined {
  switch (field.type) {
    case 'text':
      return typeof value === 'string' ? value : undefined
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined
    case 'date':
      return typeof value === 'string' && isDay(value) ? value : undefined
    case 'integer':
      return Number.isSafeInteger(value) ? numberOf(value) : undefined
    case 'number':
      return numberOf(value)
  }
}

/** The same of a number, in ten-thousandths. */
function fieldParts(field: Field, value: FieldValue | undefined): number {
  if (typeof value === 'number')
    return field.type === 'number' || Number.isSafeInteger(value) ? partsOfNumber(value) : Number.NaN
  return typeof value === 'string' && field.type === 'number' ? partsOfText(value) : Number.NaN
}

function fieldFact(
  { name, field, perLine }: { name: string; field: Field; perLine: boolean },
  seen: (sight: Sight) => FieldValue | undefined,
): Found {
  const isNumber = field.type === 'number' || field.type === 'integer'
  const quick: Quick = { unit: PARTS, read: (sight) => fieldParts(field, seen(sight)) }
  const read = (sight: Sight) => fieldValue(field, seen(sight))
  return { fact: { name, type: typeOf(field), perLine, read, ...(isNumber && { quick }) } }
}

// A number comes as a JSON number, or as decimal text where its digits must stay as they are.
function numberOf(value: FieldValue | undefined): Decimal | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? new Decimal(value) : undefined
  return typeof value === 'string' && /^-?\d{1,20}(\.\d{1,12})?$/.test(value) ? new Decimal(value) : undefined
}

/** Finds what a name means, or says what is wrong with it. */
export function findFact(terms: Terms, name: string): Found {
  if (terms.lines === 'only line')
    return findOnLine(terms, name, name.startsWith('line.') ? name.slice(5) : name)
  if (name.startsWith('line.')) {
    if (terms.lines === 'line') return findOnLine(terms, name, name.slice(5))
    const hint =
      terms.rule === null
        ? undefined
        : 'add `forEach: line` to the rule, or `lines: { … }` for some lines together'
    return { message: `"${name}" differs from line to line`, hint }
  }
  if (name === 'tier' || name.startsWith('tier.')) return findTier(terms.scope, name)
  if (name === 'segment' || name === 'promotion') return findSet(terms.scope, name)
  if (name.startsWith('member.')) {
    const field = terms.scope.memberAttributes.get(name.slice(7))
    if (!field) return unknown(terms, name)
    return fieldFact({ name, field, perLine: false }, ({ member }) => member.attributes[field.name])
  }

  const { isOne, scope } = terms
  const theirs = isOne && ofLines(name, scope.money, isOne)
  if (theirs) return { fact: { name: `${name} of its lines`, perLine: false, ...theirs } }
  const known = builtIn(name, scope.money)
  if (known) return { fact: { name, perLine: false, ...known } }
  const declared = findDeclared(terms, name, (type) => type.fields.get(name))
  if (!('field' in declared)) return findOfMember(scope, name) ?? declared
  const { field } = declared
  return fieldFact({ name, field, perLine: false }, ({ transaction }) => transaction.attributes[name])
}

/** What follows from a member's days. A program that declares a field of the name means that field. */
function findOfMember({ birthday, memberAttributes }: Scope, name: string): Found | null {
  if (name === 'memberFor') return { fact: { name, perLine: false, ...memberFor } }
  if (name !== 'age') return null
  const field = birthday ? memberAttributes.get(birthday) : undefined
  if (!field) {
    const hint =
      'say which attribute is the day of birth: members: { attributes: { born?: date }, birthday: born }'
    return { message: 'this program does not know how old members are', hint }
  }
  const read = ({ member, day }: Sight) => {
    const born = fieldValue(field, member.attributes[field.name])
    return typeof born === 'string' ? new Decimal(Math.max(0, membershipYear(born, day))) : undefined
  }
  return { fact: { name, type: NUMBER, perLine: false, read } }
}

function findOnLine(terms: Terms, name: string, bare: string): Found {
  const known = builtInOfLine(bare, terms.scope.money)
  if (known) {
    const { type, read, quick } = known
    return {
      fact: {
        name,
        type,
        perLine: true,
        read: ({ line }) => (line === null ? undefined : read(line)),
        quick,
      },
    }
  }
  const declared = findDeclared(terms, name, (type) => type.lineFields.get(bare))
  if (!('field' in declared)) return declared
  const { field } = declared
  return fieldFact({ name, field, perLine: true }, ({ line }) => line?.attributes[bare])
}

type Declared = { readonly field: Field } | { readonly message: string; readonly hint?: string | undefined }

/** A field that every type of the rule declares alike; for conditions on lines alone, that any type does. */
function findDeclared(
  terms: Terms,
  name: string,
  fieldOf: (type: DeclaredType) => Field | undefined,
): Declared {
  const having: { type: string; field: Field }[] = []
  const lacking: string[] = []
  for (const type of terms.on) {
    const declared = terms.scope.transactionTypes.get(type)
    const field = declared && fieldOf(declared)
    if (field) having.push({ type, field })
    else lacking.push(type)
  }

  const [first, ...others] = having
  if (!first) return unknown(terms, name)
  if (lacking.length > 0 && terms.lines !== 'only line' && !terms.ofAnyType) {
    return { message: `"${name}" is declared for ${first.type}, but not for ${lacking.join(', ')}` }
  }
  const other = others.find(({ field }) => field.type !== first.field.type)
  if (other) {
    const message = `"${name}" is ${first.field.type} for ${first.type}, but ${other.field.type} for ${other.type}`
    return { message }
  }
  const lists = having.map(({ field }) => field.oneOf)
  const oneOf = lists.every((list) => list !== null) ? [...new Set(lists.flat())] : null
  return { field: { ...first.field, oneOf } }
}

function findTier(scope: Scope, name: string): Found {
  const ladders = [...scope.ladders.keys()]
  if (name === 'tier' && ladders.length > 1) {
    return { message: `say which ladder: ${ladders.map((ladder) => `tier.${ladder}`).join(' or ')}` }
  }
  const ladder = name === 'tier' ? ladders[0] : name.slice(5)
  const tiers = ladder === undefined ? undefined : scope.ladders.get(ladder)
  if (ladder === undefined || !tiers) {
    if (ladders.length === 0) return { message: 'this program has no tiers' }
    return { message: `there is no ladder "${ladder}"`, hint: didYouMean(ladder ?? '', ladders) }
  }
  const read = (sight: Sight) => sight.member.tiers.get(ladder)?.rank ?? 0
  return { fact: { name, type: { kind: 'tier', ladder, tiers }, perLine: false, read } }
}

/** What a member has several of: the segments that they are in, the promotions that they registered for. */
function findSet(scope: Scope, name: 'segment' | 'promotion'): Found {
  const list = name === 'segment' ? 'segments' : 'promotions'
  const oneOf = scope[list]
  if (oneOf.length === 0) {
    const hint =
      name === 'segment'
        ? 'declare them: members: { segments: [vip] }'
        : 'declare them: promotions: [{ id: … }]'
    return { message: `this program has no ${list}`, hint }
  }
  const read = ({ member }: Sight) => member[list] ?? []
  return { fact: { name, type: { kind: 'set', oneOf }, perLine: false, read } }
}

function unknown(terms: Terms, name: string): { message: string; hint?: string | undefined } {
  const known = factNames(terms)
  const onLine =
    terms.lines === 'none' &&
    nearest(
      name,
      lineNames.map((each) => `line.${each}`),
    )
  const hint =
    didYouMean(name, known) ?? (onLine ? `"${onLine}" can be used with \`forEach: line\`` : knownHere(known))
  return { message: `unknown fact "${name}"`, hint }
}

/** The first of the names, where there is none that is near. */
export function knownHere(names: readonly string[]): string {
  const shown = names.slice(0, 20)
  return `known here: ${shown.join(', ')}${names.length > shown.length ? ' …' : ''}`
}

/** Every name that can be used here, for hints. */
export function factNames({ scope, on, lines }: Terms): string[] {
  const types = on.flatMap((type) => scope.transactionTypes.get(type) ?? [])
  const ofLines = [...lineNames, ...types.flatMap((type) => [...type.lineFields.keys()])]
  if (lines === 'only line') return ofLines
  return [
    ...transactionNames,
    ...types.flatMap((type) => [...type.fields.keys()]),
    ...[...scope.memberAttributes.keys()].map((name) => `member.${name}`),
    'memberFor',
    ...(scope.birthday ? ['age'] : []),
    ...(scope.ladders.size === 1 ? ['tier'] : []),
    ...[...scope.ladders.keys()].map((ladder) => `tier.${ladder}`),
    ...(scope.segments.length > 0 ? ['segment'] : []),
    ...(scope.promotions.length > 0 ? ['promotion'] : []),
    ...(lines === 'line' ? ofLines.map((name) => `line.${name}`) : []),
  ]
}
