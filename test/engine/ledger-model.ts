/**
 * The ledger once more, written from its description in plain numbers and lists, sharing no code with the
 * engine. Time is a whole day number; everything happens at noon, whatever lapses does so at midnight.
 *
 * What must hold after every step:
 * 1. available is never below zero; what cannot be taken back is owed, and the next points pay it off.
 * 2. Points lapse 10 days after the day they were earned for, and are pending for the program's days.
 * 3. Spending draws on what lapses first.
 * 4. A hold keeps its points from everything else until it is captured, released, or its time is up.
 * 5. A reversal or a release puts points back where they came from, with their old expiry.
 * 6. A return takes back what the returned quantity was worth, once: from where it went, also where it has
 *    lapsed there since, and what was spent of it from whatever lapses next.
 */
export interface ModelLot {
  readonly earnedOn: number
  available: number
  pending: number
  lapsed: number
}

interface ModelHold {
  readonly until: number
  status: 'held' | 'captured' | 'gone'
  draws: [ModelLot, number][]
}

interface ModelSale {
  readonly on: number
  readonly amountCents: number
  readonly quantity: number
  returned: number
  takenBack: number
}

const LIFE = 11
const HOLD_DAYS = 2

export class Model {
  day = 0
  negative = 0
  readonly lots = new Map<number, ModelLot>()
  readonly redemptions: ModelHold[] = []
  readonly sales: ModelSale[] = []
  readonly #pendingDays: number

  constructor(pendingDays: number) {
    this.#pendingDays = pendingDays
  }

  get available(): number {
    return [...this.lots.values()].reduce((sum, lot) => sum + lot.available, 0)
  }

  get pending(): number {
    return [...this.lots.values()].reduce((sum, lot) => sum + lot.pending, 0)
  }

  get held(): number {
    const held = this.redemptions.filter(({ status }) => status === 'held')
    return held.flatMap(({ draws }) => draws).reduce((sum, [, points]) => sum + points, 0)
  }

  advance(days: number): void {
    for (let step = 0; step < days; step += 1) this.#midnight()
  }

  #midnight(): void {
    this.day += 1
    for (const lot of this.#inOrder()) {
      if (lot.pending > 0 && this.day >= lot.earnedOn + this.#pendingDays) {
        const paid = Math.min(this.negative, lot.pending)
        this.negative -= paid
        lot.available += lot.pending - paid
        lot.pending = 0
      }
      this.#lapse(lot)
    }
  }

  // Holds run out at noon; by then the day's lots have lapsed, so what comes back to them is gone too.
  noon(): void {
    for (const hold of this.redemptions) {
      if (hold.status === 'held' && hold.until <= this.day) this.#letGo(hold)
    }
  }

  earn(amountCents: number, quantity: number): void {
    const points = Math.floor(amountCents / 100)
    this.sales.push({ on: this.day, amountCents, quantity, returned: 0, takenBack: 0 })
    if (points === 0) return
    if (this.#pendingDays > 0) this.#lot(this.day).pending += points
    else this.#payOff(points)
  }

  /** false: refused */
  giveBack(index: number, quantity: number): boolean {
    const sale = this.sales[index]
    if (!sale || sale.returned + quantity > sale.quantity) return false
    sale.returned += quantity
    const left = Math.floor((sale.amountCents * (sale.quantity - sale.returned)) / sale.quantity / 100)
    let owed = Math.floor(sale.amountCents / 100) - sale.takenBack - left
    sale.takenBack += owed
    if (owed === 0) return true
    const origin = this.#lot(sale.on)
    const take = (lot: ModelLot, what: 'available' | 'pending' | 'lapsed') => {
      const points = Math.min(lot[what], owed)
      lot[what] -= points
      owed -= points
    }
    take(origin, 'pending')
    take(origin, 'available')
    take(origin, 'lapsed')
    for (const lot of this.#inOrder()) take(lot, 'available')
    this.negative += owed
    return true
  }

  redeem(points: number, hold: boolean): boolean {
    if (points > this.available) return false
    const draws: [ModelLot, number][] = []
    let owed = points
    for (const lot of this.#inOrder()) {
      const taken = Math.min(lot.available, owed)
      if (taken === 0) continue
      lot.available -= taken
      owed -= taken
      draws.push([lot, taken])
    }
    this.redemptions.push({ until: this.day + HOLD_DAYS, status: hold ? 'held' : 'captured', draws })
    return true
  }

  capture(index: number, points: number): boolean {
    const hold = this.redemptions[index]
    if (hold?.status !== 'held') return false
    const total = hold.draws.reduce((sum, [, size]) => sum + size, 0)
    if (points > total) return false
    let wanted = points
    hold.draws = hold.draws.flatMap(([lot, size]): [ModelLot, number][] => {
      const taken = Math.min(size, wanted)
      wanted -= taken
      lot.available += size - taken
      this.#lapse(lot)
      return taken > 0 ? [[lot, taken]] : []
    })
    hold.status = 'captured'
    return true
  }

  release(index: number): boolean {
    const hold = this.redemptions[index]
    if (hold?.status !== 'held') return false
    this.#letGo(hold)
    return true
  }

  reverse(index: number): boolean {
    const redemption = this.redemptions[index]
    if (redemption?.status !== 'captured') return false
    this.#letGo(redemption)
    return true
  }

  adjust(points: number): boolean {
    if (points > 0) {
      this.#payOff(points)
      return true
    }
    const done = this.redeem(-points, false)
    if (done) this.redemptions.pop()
    return done
  }

  #payOff(points: number): void {
    const paid = Math.min(this.negative, points)
    this.negative -= paid
    // Points given by hand are usable at once, and share the lot of the day only where sales' are too.
    this.#lot(this.#pendingDays > 0 ? this.day + 0.5 : this.day).available += points - paid
  }

  #letGo(redemption: ModelHold): void {
    redemption.status = 'gone'
    for (const [lot, points] of redemption.draws) {
      lot.available += points
      this.#lapse(lot)
    }
  }

  #lapse(lot: ModelLot): void {
    if (this.day >= Math.floor(lot.earnedOn) + LIFE) {
      lot.lapsed += lot.available + lot.pending
      lot.available = 0
      lot.pending = 0
    }
  }

  #lot(earnedOn: number): ModelLot {
    let lot = this.lots.get(earnedOn)
    if (!lot) {
      lot = { earnedOn, available: 0, pending: 0, lapsed: 0 }
      this.lots.set(earnedOn, lot)
    }
    return lot
  }

  #inOrder(): ModelLot[] {
    return [...this.lots.values()].sort((a, b) => a.earnedOn - b.earnedOn)
  }
}
