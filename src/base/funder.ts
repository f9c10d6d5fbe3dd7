/** Who pays for points that no partner pays for; a partner can't be called so. */
export const OWN_FUNDER = 'program'
