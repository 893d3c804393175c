/**
 * Numbers that cost more than they look, or that fraud is usually aimed at. Shipped so that an operator
 * who writes `allow: ["+44"]` has not allowed premium numbers with it. From the ITU-T list of assigned
 * country codes (Annex to Operational Bulletin, Recommendation E.164) and the national numbering plans;
 * what is not certain was left out. `x` stands for any digit.
 */

/** Why a row is here; each class can be allowed as a whole by `policy.destinations.classes`. */
export type PrefixClass = 'premium' | 'sharedCost' | 'personal' | 'satellite' | 'internationalNetwork' | 'highRisk';

export const prefixClasses: readonly PrefixClass[] = ['premium', 'sharedCost', 'personal', 'satellite', 'internationalNetwork', 'highRisk'];

/** One row: numbers that begin so. */
export interface PrefixRow {
  readonly prefix: string;
  readonly class: PrefixClass;
  /** Whose numbers they are. */
  readonly what: string;
}

const group = (kind: PrefixClass, what: string, ...prefixes: readonly string[]): readonly PrefixRow[] =>
  prefixes.map((prefix) => ({ prefix, class: kind, what }));

export const prefixTable: readonly PrefixRow[] = [
  // Country codes that are no country's (ITU-T E.164, E.164.1).
  ...group('satellite', 'Inmarsat', '+870', '+871', '+872', '+873', '+874'),
  ...group('satellite', 'Global mobile satellite systems (Iridium, Globalstar)', '+881'),
  ...group('internationalNetwork', 'International networks, Thuraya among them', '+882', '+883', '+888', '+991'),
  ...group('personal', 'Universal personal telecommunication', '+878'),
  ...group('sharedCost', 'International shared cost service', '+808'),
  ...group('premium', 'International premium rate service', '+979'),
  // North American Numbering Plan.
  ...group('premium', 'North America, pay-per-call', '+1900', '+1xxx976'),
  ...group('highRisk', 'Caribbean, dialled like a domestic number', '+1242', '+1246', '+1264', '+1268', '+1284', '+1345', '+1441'),
  ...group('highRisk', 'Caribbean, dialled like a domestic number', '+1473', '+1649', '+1658', '+1664', '+1721', '+1758', '+1767'),
  ...group('highRisk', 'Caribbean, dialled like a domestic number', '+1784', '+1809', '+1829', '+1849', '+1868', '+1869', '+1876'),
  // Europe.
  ...group('premium', 'United Kingdom', '+449', '+4487'),
  ...group('sharedCost', 'United Kingdom', '+4484'),
  ...group('personal', 'United Kingdom', '+4470'),
  ...group('premium', 'Germany', '+49900', '+49137', '+49138'),
  ...group('sharedCost', 'Germany', '+49180'),
  ...group('personal', 'Germany', '+49700'),
  ...group('premium', 'France', '+3389'),
  ...group('sharedCost', 'France', '+3381', '+3382'),
  ...group('premium', 'Italy', '+39892', '+39894', '+39895', '+39899'),
  ...group('sharedCost', 'Italy', '+39199', '+39840', '+39841', '+39847', '+39848'),
  ...group('personal', 'Italy', '+39178'),
  ...group('premium', 'Spain', '+34803', '+34806', '+34807', '+34905', '+34907'),
  ...group('sharedCost', 'Spain', '+34901', '+34902'),
  ...group('premium', 'Switzerland', '+41900', '+41901', '+41906'),
  ...group('sharedCost', 'Switzerland', '+41840', '+41842', '+41844', '+41848'),
  ...group('personal', 'Switzerland', '+41878'),
  ...group('premium', 'Austria', '+43900', '+43901', '+43930', '+43931', '+43939'),
  ...group('sharedCost', 'Austria', '+43810', '+43820', '+43821'),
  ...group('premium', 'Netherlands', '+31900', '+31906', '+31909'),
  ...group('personal', 'Netherlands', '+3184', '+3187'),
  ...group('premium', 'Belgium', '+3290'),
  ...group('premium', 'Poland', '+4870'),
  ...group('premium', 'Czechia', '+420900', '+420906', '+420908', '+420909'),
  ...group('premium', 'Sweden', '+46900', '+46939', '+46944'),
  ...group('premium', 'Norway', '+47820', '+47829'),
  ...group('premium', 'Denmark', '+4590'),
  ...group('premium', 'Finland', '+358600', '+358700'),
  ...group('premium', 'Portugal', '+351760', '+351761'),
  ...group('sharedCost', 'Portugal', '+351707', '+351708'),
  ...group('premium', 'Hungary', '+3690', '+3691'),
  ...group('premium', 'Greece', '+30901', '+30909'),
  ...group('premium', 'Turkey', '+90900'),
  ...group('premium', 'Russia', '+7809'),
  // Elsewhere.
  ...group('premium', 'Australia', '+61190'),
  ...group('premium', 'New Zealand', '+64900'),
  ...group('premium', 'Japan', '+81990'),
  ...group('sharedCost', 'South Africa', '+2786'),
  // Countries and islands that revenue-share fraud is usually aimed at.
  ...group('highRisk', 'Africa', '+220', '+222', '+224', '+231', '+232', '+235', '+236', '+239', '+240', '+242', '+243', '+245', '+246'),
  ...group('highRisk', 'Africa and its islands', '+247', '+248', '+252', '+257', '+261', '+263', '+269', '+290', '+291'),
  ...group('highRisk', 'America and its islands', '+500', '+508', '+509', '+53', '+592', '+597'),
  ...group('highRisk', 'Pacific', '+670', '+672', '+674', '+675', '+676', '+677', '+678', '+680', '+681', '+682', '+683', '+685'),
  ...group('highRisk', 'Pacific', '+686', '+688', '+690', '+691', '+692'),
  ...group('highRisk', 'Asia', '+850', '+93', '+960', '+963', '+967', '+992', '+993'),
];
